-- Instances that boot from another image for a while, with their own disk behind it.

ALTER TABLE instance ADD COLUMN rescue_image_id uuid REFERENCES image (id);
CREATE INDEX instance_rescue_image ON instance (rescue_image_id) WHERE rescue_image_id IS NOT NULL;

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind IN
  ('create-instance', 'clone-instance', 'start-instance', 'stop-instance', 'reboot-instance', 'pause-instance',
   'suspend-instance', 'resume-instance', 'resize-instance', 'delete-instance', 'move-instance', 'migrate-instance',
   'snapshot-instance', 'restore-instance', 'rebuild-instance', 'rescue-instance', 'unrescue-instance', 'drain-node'));
