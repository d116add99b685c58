-- The role of database.query_url: it may read the posts and nothing else. Run by psql, as a superuser, in the database of the
-- posts; the password comes from the variable POSTGRES_QUERY_PASSWORD. Weir creates the table later, so that an event trigger
-- grants the right when that happens.
\set ON_ERROR_STOP on
\getenv password POSTGRES_QUERY_PASSWORD

BEGIN;

CREATE ROLE weir_query LOGIN NOINHERIT CONNECTION LIMIT 8 PASSWORD :'password';
ALTER ROLE weir_query SET default_transaction_read_only = on;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO weir_query;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE FUNCTION weir_grant_posts() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.posts') THEN
        GRANT SELECT ON public.posts TO weir_query;
    END IF;
END
$$;
CREATE EVENT TRIGGER weir_grant_posts ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION weir_grant_posts();

-- In a database that Weir has used already, the table is there.
DO $$
BEGIN
    IF to_regclass('public.posts') IS NOT NULL THEN
        GRANT SELECT ON public.posts TO weir_query;
    END IF;
END
$$;

COMMIT;
