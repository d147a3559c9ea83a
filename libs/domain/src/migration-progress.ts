/** How far a live migration is. */
export interface MigrationProgress {
  readonly phase: 'disks' | 'memory';
  /** 0 to 100, never falling: of the disks and the memory that were there at the beginning. */
  readonly percent: number;
  readonly sentBytes: number;
  readonly remainingBytes: number;
  /** Of the disks and the memory; what is written anew on the way is sent on top of it. */
  readonly totalBytes: number;
  /** What is sent, lately. */
  readonly bytesPerSecond: number;
  /** What the guest writes to its memory meanwhile, and has to be sent again; 0 until that is known. */
  readonly dirtyBytesPerSecond: number;
  /** How often its memory was gone through. */
  readonly passes: number;
}
