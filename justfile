# Short names for the project's commands; each is the line below it, and nothing needs `just`.

# What there is
default:
    @just --list

# The whole system in one process, on this machine alone
run *arguments:
    cargo run -- {{arguments}}

# Every test, on private servers; the arguments go to `cargo test`
test *arguments:
    cargo xtask test {{arguments}}

# In seconds: the tests that need no server, browser or built binary
unit *arguments:
    cargo xtask test --unit {{arguments}}

# PostgreSQL, Redis and RabbitMQ for development, until Ctrl-C
servers:
    cargo xtask servers

# The deployment of compose.yaml on a container engine of its own (as root)
compose *arguments:
    cargo xtask compose {{arguments}}

# What users get of this commit, in target/dist; tries the package out (as root)
release *arguments:
    cargo xtask release {{arguments}}

# What a registration costs; `just bench --help`
bench *arguments:
    cargo xtask bench {{arguments}}

# Stores that are more than one server; `just clusters --only pgbouncer`
clusters *arguments:
    cargo xtask clusters {{arguments}}

# Formatting, lints, dependency arrows, licences, documentation
check:
    cargo xtask check

# Which package, module and file may depend on which
arrows:
    cargo xtask arrows

# Format the code
fmt:
    cargo fmt --all

# Licences, banned crates, sources
deny:
    cargo xtask deny

# What CI runs
ci:
    .ci/run

# The full deployment in containers, built from this checkout
up *arguments:
    docker compose up --build {{arguments}}

# Stop the deployment; `just down --volumes` forgets its data and secrets too
down *arguments:
    docker compose down {{arguments}}
