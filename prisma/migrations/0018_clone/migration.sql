-- Instances that begin as copies of others, by way of a snapshot that nobody named.

ALTER TABLE instance ADD COLUMN cloned_from_id uuid REFERENCES instance (id);

ALTER TABLE snapshot
  ADD COLUMN for_clones boolean NOT NULL DEFAULT false,
  -- without it a guest that begins from it boots
  ADD COLUMN has_memory boolean NOT NULL DEFAULT true;

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind IN
  ('create-instance', 'clone-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'pause-instance',
   'suspend-instance', 'resume-instance', 'resize-instance', 'delete-instance', 'move-instance', 'migrate-instance',
   'snapshot-instance', 'restore-instance', 'rebuild-instance', 'drain-node'));
