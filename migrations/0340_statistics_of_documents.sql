-- Why: ANALYZE sorts a sample of what is in each column. Documents and long texts take most of its time, and nothing is ever
-- looked for by what is in them, so that the planner learns nothing that it could use. A rebuilt table keeps these settings.
alter table roster
    alter column attendance set statistics 0,
    alter column attendance_records set statistics 0,
    alter column reflections set statistics 0;
alter table reflections
    alter column text set statistics 0,
    alter column feedback set statistics 0,
    alter column earlier set statistics 0;
