"""The generation providers, by name. `local` needs no key and draws cards from the seller's own photo."""

PROVIDERS = {
    "local": "lib.providers.local",
}
