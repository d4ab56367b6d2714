/** Registers of virtio over MMIO, version 2: virtio 1.2, section 4.2.2. 32 bits each, little-endian on every architecture. */
export const REG = {
  magic: 0x000,
  version: 0x004,
  deviceId: 0x008,
  vendorId: 0x00c,
  deviceFeatures: 0x010,
  deviceFeaturesSelect: 0x014,
  driverFeatures: 0x020,
  driverFeaturesSelect: 0x024,
  queueSelect: 0x030,
  queueSizeMax: 0x034,
  queueSize: 0x038,
  queueReady: 0x044,
  queueNotify: 0x050,
  interruptStatus: 0x060,
  interruptAck: 0x064,
  status: 0x070,
  descriptorsLow: 0x080,
  descriptorsHigh: 0x084,
  driverLow: 0x090,
  driverHigh: 0x094,
  deviceLow: 0x0a0,
  deviceHigh: 0x0a4,
  sharedLengthLow: 0x0b0,
  sharedLengthHigh: 0x0b4,
  sharedBaseLow: 0x0b8,
  sharedBaseHigh: 0x0bc,
  configGeneration: 0x0fc,
  config: 0x100,
} as const;

/** Bytes of the registers and of the configuration space behind them. */
export const MMIO_SIZE = 0x200;
/** "virt", little-endian. */
export const MAGIC = 0x7472_6976;
/** "TRSH", little-endian: nobody's. */
export const VENDOR = 0x4853_5254;
