-- A shop may remind a client of an order that they have not sent.
set local lock_timeout = '5s';

alter table news_choices drop constraint news_choices_kind_check;
alter table news_choices add constraint news_choices_kind_check
    check (kind in ('news', 'away', 'expiry', 'birthday', 'rating', 'cart'));
alter table reminders drop constraint reminders_kind_check;
alter table reminders add constraint reminders_kind_check
    check (kind in ('expiry', 'birthday', 'rating', 'away', 'cart'));
