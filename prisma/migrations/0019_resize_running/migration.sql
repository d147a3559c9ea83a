-- Instances that become of another size: what each is to be, and of running ones the room that is held for the next vmm.

CREATE TABLE resize (
  operation_id         uuid PRIMARY KEY REFERENCES operation (id),
  instance_type        text NOT NULL REFERENCES instance_type (name),
  vcpus                integer NOT NULL,
  memory_mib           integer NOT NULL,
  disk_gib             integer NOT NULL,
  -- false: only its disk grows, while it runs
  restarts             boolean NOT NULL,
  -- of the vmm to come, once a place is held for it
  driver               text CHECK (driver IN ('kvm', 'tcg', 'v86', 'model')),
  reserved_cpu_millis  integer,
  reserved_memory_mib  integer,
  reserved_disk_gib    integer,
  -- what its operation answers when it is done: way, from, to
  result               jsonb NOT NULL,
  -- since then the instance is of this size
  applied_at           timestamptz,
  CHECK (num_nulls(driver, reserved_cpu_millis, reserved_memory_mib, reserved_disk_gib) IN (0, 4))
);

-- Held for an operation: what the vmm to come needs beyond what the instance holds of that node already.
ALTER TABLE reservation
  ALTER COLUMN vmm_id DROP NOT NULL,
  ADD COLUMN operation_id uuid REFERENCES operation (id),
  DROP CONSTRAINT reservation_cpu_millis_check,
  DROP CONSTRAINT reservation_memory_mib_check,
  ADD CONSTRAINT reservation_holder_check CHECK (num_nonnulls(vmm_id, operation_id) = 1),
  ADD CONSTRAINT reservation_amounts_check CHECK
    (cpu_millis >= 0 AND memory_mib >= 0 AND (vmm_id IS NULL OR cpu_millis > 0 AND memory_mib > 0)),
  ADD CONSTRAINT reservation_active_check CHECK (state <> 'active' OR vmm_id IS NOT NULL);
CREATE UNIQUE INDEX reservation_operation ON reservation (operation_id) WHERE state <> 'released';
