-- Not every alert is about a view: a scheduled training set that was not built is not.
alter table alerts alter column view drop not null, alter column version drop not null;
alter table alerts add constraint alerts_view_version check ((view is null) = (version is null));
