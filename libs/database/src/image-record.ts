import type {
  Firmware,
  ImageArchitecture,
  ImageFormat,
  ImageState,
  ImageVisibility,
  MachineProfile,
  ReadySign,
} from '@berth/domain/image-state.js';
import { iso } from './text.js';

/** What is known of an image before its bytes are there. `S`: where they come from, a contract opaque here. */
export interface NewImage<S extends object> {
  readonly name: string;
  readonly osFamily: string;
  readonly architecture: ImageArchitecture;
  readonly firmware: Firmware;
  readonly profile: MachineProfile;
  /** Null: the default. */
  readonly ready: ReadySign | null;
  readonly format: ImageFormat;
  readonly minMemoryMib: number;
  readonly minDiskGib: number;
  readonly source: S;
  /** Of the source, where it is known beforehand. */
  readonly totalBytes: number | null;
  /** Given: there is nothing to import, the bytes lie on the nodes. */
  readonly sha256: string | null;
}

export interface ImageRecord<S extends object> extends NewImage<S> {
  readonly id: string;
  readonly visibility: ImageVisibility;
  readonly project: string | null;
  readonly state: ImageState;
  readonly reason: string | null;
  readonly receivedBytes: number;
  readonly sizeBytes: number | null;
  readonly virtualSizeBytes: number | null;
  readonly createdAt: string;
}

export const imageColumns = `
  m.id, m.name, m.os_family AS "osFamily", m.architecture, m.firmware, m.profile, m.ready, m.format,
  m.min_memory_mib AS "minMemoryMib",
  m.min_disk_gib AS "minDiskGib", CASE WHEN m.project_id IS NULL THEN 'public' ELSE 'project' END AS visibility,
  (SELECT p.name FROM project p WHERE p.id = m.project_id) AS project, m.state, m.reason,
  m.received_bytes AS "receivedBytes", m.total_bytes AS "totalBytes", m.size_bytes AS "sizeBytes",
  m.virtual_size_bytes AS "virtualSizeBytes", m.sha256, m.source, ${iso('m.created_at')} AS "createdAt"`;

const contentOf = (m: string): string => `
  CASE WHEN ${m}.format = 'kernel-initrd' THEN ${m}.source || '{"kind": "kernel-initrd"}' ELSE jsonb_build_object(
    'kind', CASE ${m}.format WHEN 'iso' THEN 'cdrom' ELSE 'disk' END, 'sha256', ${m}.sha256,
    'sizeBytes', ${m}.size_bytes, 'virtualSizeBytes', ${m}.virtual_size_bytes, 'firmware', ${m}.firmware,
    'profile', ${m}.profile) END
  || CASE WHEN ${m}.ready IS NULL THEN '{}' ELSE jsonb_build_object('ready', ${m}.ready) END`;

/** SQL for what a node is told of an instance's image `m`, and of that which it is rescued by, `k`: null for none. */
export const imageContents = `
  ${contentOf('m')} AS image, CASE WHEN k.id IS NOT NULL THEN ${contentOf('k')} END AS "rescueImage"`;
