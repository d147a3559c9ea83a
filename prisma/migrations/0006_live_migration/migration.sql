-- Live migration: an operation of its own, and what its row knows of the way.

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind IN
  ('create-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'delete-instance', 'move-instance',
   'migrate-instance', 'drain-node'));

ALTER TABLE migration
  ADD operation_id  uuid NOT NULL REFERENCES operation (id),
  -- where the target waits for the guest
  ADD address       jsonb,
  ADD method        text,
  ADD sent_bytes    bigint,
  ADD duration_ms   integer,
  -- false: the source has not been told yet that it may have to end, because its target may have run
  ADD settled       boolean NOT NULL DEFAULT false;
CREATE INDEX migration_operation ON migration (operation_id);
CREATE INDEX migration_unsettled ON migration (source_vmm_id) WHERE state = 'failed' AND NOT settled;
