-- Images of projects: imported from a URL or uploaded, looked at, converted, then active. `format` and `sha256` are of
-- what nodes get; `source` says where it came from: {"kind":"kernel-initrd"|"url"|"upload", ...}.

ALTER TABLE image
  DROP CONSTRAINT image_name_key,
  DROP CONSTRAINT image_format_check,
  ALTER COLUMN sha256 DROP NOT NULL,
  ADD CONSTRAINT image_format_check CHECK (format IN ('kernel-initrd', 'qcow2', 'iso')),
  ADD COLUMN project_id uuid REFERENCES project (id), -- null: public
  ADD COLUMN firmware text NOT NULL DEFAULT 'direct' CHECK (firmware IN ('bios', 'uefi', 'direct')),
  ADD COLUMN min_disk_gib integer NOT NULL DEFAULT 0 CHECK (min_disk_gib >= 0),
  ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('importing', 'active', 'failed', 'deleted')),
  ADD COLUMN reason text,
  ADD COLUMN received_bytes bigint NOT NULL DEFAULT 0 CHECK (received_bytes >= 0),
  ADD COLUMN total_bytes bigint CHECK (total_bytes > 0),
  ADD COLUMN size_bytes bigint CHECK (size_bytes > 0),
  ADD COLUMN virtual_size_bytes bigint CHECK (virtual_size_bytes > 0),
  -- whoever imports it holds it until then; past: anybody may take it up again
  ADD COLUMN import_until timestamptz,
  ADD COLUMN import_attempts integer NOT NULL DEFAULT 0,
  ADD CONSTRAINT image_whole CHECK (state <> 'active' OR sha256 IS NOT NULL);

CREATE UNIQUE INDEX image_public_name ON image (name) WHERE project_id IS NULL AND state <> 'deleted';
CREATE UNIQUE INDEX image_project_name ON image (project_id, name) WHERE project_id IS NOT NULL AND state <> 'deleted';
CREATE INDEX image_importing ON image (created_at) WHERE state = 'importing';
CREATE INDEX instance_image ON instance (image_id) WHERE state <> 'deleted';
