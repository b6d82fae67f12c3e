-- Why: a read model is built anew beside the live one, in this schema, and takes its place when it has caught up. Nobody
-- reads here; what a rebuild leaves that was killed, the next one of the same table drops.
create schema rollbook_rebuild;
