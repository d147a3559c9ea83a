-- What an image's guests are given, and how it shows that one of them is ready.

ALTER TABLE image
  ADD COLUMN profile text NOT NULL DEFAULT 'virtio' CHECK (profile IN ('virtio', 'legacy-ide', 'floppy')),
  -- a word, or {"serial": text}; null: what is usual for its firmware
  ADD COLUMN ready jsonb;
