/** Names of the cost profiles that come with the project, apart so that grammars need not load the figures. */
export const PROFILE_NAMES = [
  "x86-default",
  "tsirkin-2013",
  "pci-testdev",
  "kvm-unit-tests-2012",
  "ioeventfd-2009",
  "ppc64-hv-assumed",
  "ppc32-pr-assumed",
] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];
