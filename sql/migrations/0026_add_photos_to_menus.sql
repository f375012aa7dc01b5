-- A unit and a photo of an item of a menu.
set local lock_timeout = '5s';

alter table menu_items add column unit text not null default '' check (length(unit) <= 20);
alter table menu_items add column photo text not null default '' check (length(photo) <= 300);
