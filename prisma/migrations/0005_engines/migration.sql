-- A node may offer several engines, and an instance whose engine failed goes on under the next.

ALTER TABLE node
  -- best first; `driver` is the first
  ADD COLUMN drivers text[] NOT NULL DEFAULT '{}' CHECK (drivers <@ ARRAY['kvm', 'tcg', 'v86', 'model']),
  -- what the node found when it tried its engines: {driver, speedRatio, seconds, engines}; null: nothing to try
  ADD COLUMN engine jsonb;
UPDATE node SET drivers = ARRAY[driver];

-- engines that failed it since it was stopped last
ALTER TABLE instance
  ADD COLUMN failed_drivers text[] NOT NULL DEFAULT '{}' CHECK (failed_drivers <@ ARRAY['kvm', 'tcg', 'v86', 'model']);
