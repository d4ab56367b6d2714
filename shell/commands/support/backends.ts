/** Which backend serves which guests. Read before a machine exists; a test holds it against the backends' records. */

export type BackendName = "vmx" | "svm" | "kvm-hv" | "kvm-pr";

export const BACKENDS: Readonly<
  Record<BackendName, { readonly arch: "x86" | "ppc"; readonly modes: readonly (16 | 32 | 64)[] }>
> = {
  vmx: { arch: "x86", modes: [16, 32, 64] },
  svm: { arch: "x86", modes: [16, 32, 64] },
  "kvm-hv": { arch: "ppc", modes: [64] },
  "kvm-pr": { arch: "ppc", modes: [32, 64] },
};
