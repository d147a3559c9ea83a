-- How people reach a guest: what its first boot is told, and the ways its node opens to its ports.

-- private: kept apart, so that no query of instances brings it along; gone with the instance's end
CREATE TABLE instance_seed (
  instance_id  uuid PRIMARY KEY REFERENCES instance (id) ON DELETE CASCADE,
  ssh_keys     text[] NOT NULL,
  user_data    text CHECK (octet_length(user_data) <= 65536)
);

ALTER TABLE instance ADD COLUMN ports integer[] NOT NULL DEFAULT '{}'; -- of the guest
-- [{guestPort, host, hostPort}], as the node chose
ALTER TABLE vmm ADD COLUMN forwards jsonb NOT NULL DEFAULT '[]';
