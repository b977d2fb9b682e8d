export { InvalidInput, Unavailable } from './domain/errors';
export type { Identity } from './domain/identity';
export {
  createSharedFilesystemExtension,
  type SharedFilesystemExtension,
  type SharedFilesystemOptions,
} from './extension';
export type {
  BackendOptions,
  BackendStatus,
  ComputeOptions,
  ExtensionStatus,
  InstanceReport,
  MessageBusOptions,
  NamedBackend,
  PlacementOptions,
  Unconfirmed,
} from './ports/extension';
export type { ExtensionEntry, IdentityOf, Logger } from './ports/host';
