-- The small questions to a model are calls of its provider, too. A photo or words that a provider cannot use are no
-- failure of the provider.
alter table provider_calls
    drop constraint provider_calls_step_check,
    drop constraint provider_calls_state_check,
    add constraint provider_calls_step_check check (step in ('still', 'main', 'words', 'moderation')),
    add constraint provider_calls_state_check check (state in ('begun', 'done', 'failed', 'lost', 'refused'));
