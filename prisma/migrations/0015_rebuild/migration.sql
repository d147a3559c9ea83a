-- Instances that get a new disk.

ALTER TABLE instance ADD COLUMN rebuild_count integer NOT NULL DEFAULT 0;

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind IN
  ('create-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'pause-instance', 'suspend-instance',
   'resume-instance', 'resize-instance', 'delete-instance', 'move-instance', 'migrate-instance', 'snapshot-instance',
   'restore-instance', 'rebuild-instance', 'drain-node'));
