-- What lifetimes are learned by: how many instances were asked for together, and those that ended of late.

ALTER TABLE instance ADD batch_size integer NOT NULL DEFAULT 1 CHECK (batch_size > 0);
CREATE INDEX instance_ended ON instance (deleted_at) WHERE state = 'deleted';
