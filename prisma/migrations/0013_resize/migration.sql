-- Instances that become of another type.

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind IN
  ('create-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'pause-instance', 'suspend-instance',
   'resume-instance', 'resize-instance', 'delete-instance', 'move-instance', 'migrate-instance', 'drain-node'));
