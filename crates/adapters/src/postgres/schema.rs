//! The tables of `migrations/postgres`, as far as the queries name them.

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        email_key -> Text,
        password_hash -> Text,
        code_number -> BigInt,
        code_expires_at -> Nullable<Timestamptz>,
        activated_at -> Nullable<Timestamptz>,
        repetition_noted_at -> Nullable<Timestamptz>,
        guesses_renewed -> BigInt,
        code_requested_at -> Timestamptz,
        languages -> Nullable<Text>,
    }
}

diesel::table! {
    outbox (id) {
        id -> Uuid,
        #[sql_name = "type"]
        kind -> Text,
        user_id -> Uuid,
        code_number -> Nullable<BigInt>,
        traceparent -> Text,
        due_at -> Timestamptz,
        attempts -> BigInt,
        failed_at -> Nullable<Timestamptz>,
        failure -> Nullable<Text>,
    }
}

diesel::table! {
    suppressions (email_key) {
        email_key -> Text,
        since -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(suppressions, users);

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

use diesel::sql_types::{BigInt, Nullable, Timestamptz};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The server's time now, even in a statement that had to wait for a lock. It changes from row
    /// to row, so no index can be used with it: compare with [`diesel::dsl::now`] for that.
    fn clock_timestamp() -> Timestamptz;

    /// 1 if the value is null, or else 0. In a search for one user it stands for `IS NULL`, for
    /// which PostgreSQL would read the partial index with that condition from end to end, where it
    /// knows of no such row yet.
    fn num_nulls(value: Nullable<Timestamptz>) -> Integer;

    /// Takes a lock that ends with the transaction; false when somebody else has it.
    fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
}
