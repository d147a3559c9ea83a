-- A session opens what it was made for and nothing else: the serial line, or the screen.

ALTER TABLE console_session ADD COLUMN kind text NOT NULL DEFAULT 'serial' CHECK (kind IN ('serial', 'screen'));
