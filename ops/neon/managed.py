"""What belongs to a provider and stays with it: its roles, its schemas, its extensions."""

# Roles that a provider makes and looks after; nobody can make or rule them on the other side.
ROLES = (
    *("postgres", "cloud_admin", "neon_superuser", "neon_service", "web_access", "databricks_superuser"),
    *(
        "avnadmin_superuser",
        "aiven_superuser",
        "_aiven",
        "rdsadmin",
        "rds_superuser",
        "rds_replication",
        "rds_password",
    ),
    *("rdsrepladmin", "rds_ad", "rds_iam", "rds_reserved", "cloudsqladmin", "cloudsqlsuperuser", "cloudsqlreplica"),
    *("cloudsqlagent", "cloudsqlimportexport", "cloudsqliamuser", "cloudsqliamserviceaccount", "cloudsqliamgroup"),
    *("supabase_admin", "supabase_auth_admin", "supabase_storage_admin", "supabase_replication_admin"),
    *("supabase_read_only_user", "supabase_etl_admin", "supabase_realtime_admin", "supabase_functions_admin"),
    *("dashboard_user", "pgbouncer", "pgsodium_keyholder", "pgsodium_keyiduser", "pgsodium_keymaker", "authenticator"),
)
# Schemas that come with a provider; a copy of them collides with the other one's.
SCHEMAS = {
    "Supabase": (
        *("auth", "storage", "realtime", "_realtime", "extensions", "graphql", "graphql_public", "vault", "pgsodium"),
        *("pgsodium_masks", "supabase_functions", "supabase_migrations", "pgbouncer", "net", "cron", "_analytics"),
    ),
    "Neon": ("neon", "neon_auth", "neon_control_plane"),
    "Aiven": ("aiven_extras",),
    "RDS": ("rdsadmin", "aws_commons", "aws_s3", "aws_lambda"),
}
# Extensions that only their provider has and no application needs elsewhere.
EXTENSIONS = {
    "Supabase": ("supabase_vault", "pg_graphql", "pgsodium", "pg_net", "supautils"),
    "Neon": ("neon", "neon_utils", "neon_migration"),
    "Aiven": ("aiven_extras", "aiven_gatekeeper"),
    "RDS": ("aws_commons", "aws_s3", "aws_lambda", "rds_tools"),
}
# How each provider is told by the roles that it makes.
SIGNS = {"supabase_admin": "Supabase", "cloud_admin": "Neon", "avnadmin": "Aiven", "rdsadmin": "RDS"}


def provider(roles: set[str]) -> str:
    """Name the provider that made these roles, or nobody."""
    return next((name for role, name in SIGNS.items() if role in roles), "")


def schemas(*roles: set[str]) -> tuple[str, ...]:
    """Return the schemas that stay behind, by the roles of each side."""
    return tuple(schema for side in roles for schema in SCHEMAS.get(provider(side), ()))
