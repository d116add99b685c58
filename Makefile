.DEFAULT_GOAL := help
.PHONY: help run test check chaos bench fmt ci docker wheel release toolchain components nextest stores

# Flags of our own also keep make from running a recipe without the shell, which would ignore the PATH below.
SHELL := /bin/sh
.SHELLFLAGS := -euc
# A shell that is no login shell does not know where rustup puts cargo.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

TARGET := $(or $(CARGO_TARGET_DIR),target)
ARGS ?=

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: toolchain ## build a release and serve on 127.0.0.1:8001, with sample data in an empty database; ARGS="--config FILE"
	@scripts/install.sh redis-server=redis-server || echo "no redis-server, and no way to install it: results go to the embedded store" >&2
	cargo build --release --locked
	@echo 'try, in another terminal:'
	@echo '  curl -s http://127.0.0.1:8001/v1/rank -d @sample_data/requests/reddit.json'
	@exec "$(TARGET)/release/weir" serve --sample-data $(ARGS)

# The dev profile: the tests wait for stores more than they compute.
test: toolchain stores nextest ## run all tests, on a Redis, a Postgres and a PgBouncer that they start themselves
	scripts/install.sh python3=python3 || { echo "the tests need python3: install it" >&2; exit 1; }
	python3 -m unittest discover -s python/tests
	cargo nextest run --workspace --locked
	cargo test --workspace --doc --locked

check: toolchain components ## formatting, lints and documentation, all without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

chaos: toolchain stores nextest ## kill and restart two weirs, Redis and Postgres under load, send 100,000 odd requests: nothing is lost
	WEIR_CHAOS_S=60 cargo nextest run --locked --test operations --no-capture chaos::
	WEIR_FUZZ_CASES=100000 cargo nextest run --locked --test http --no-capture fuzz::
	WEIR_PROOF=full cargo nextest run --locked --test ingestion --no-capture proof::
	WEIR_FUZZ_CASES=10000000 cargo nextest run --locked --package weir-programs --no-capture fuzz::broken_lines
	WEIR_FUZZ_CASES=10000000 python3 -m unittest discover -s python/tests -p 'test_fuzz.py'

bench: toolchain stores ## run the benchmarks
	cargo bench --workspace --locked

fmt: components ## format the code
	cargo fmt --all

ci: ## what a change must pass: check and test
	.ci/run

docker: ## build the image weir
	docker build --file docker/Dockerfile --tag weir .

wheel: toolchain ## build a wheel that carries the weir command and the Python package: pip install target/wheels/*.whl
	@scripts/install.sh python3=python3 || { echo "python3 is missing: install it" >&2; exit 1; }
	python3 -m venv "$(TARGET)/maturin" || { echo "python3 has no venv: install python3-venv" >&2; exit 1; }
	"$(TARGET)/maturin/bin/pip" install --quiet 'maturin>=1.7,<2'
	"$(TARGET)/maturin/bin/maturin" build --profile dist --locked --out "$(TARGET)/wheels"

release: wheel ## build the wheel, and try it in a fresh environment without Rust
	scripts/try_wheel.sh "$$(ls -t "$(TARGET)"/wheels/*.whl | head -n 1)"

toolchain:
	@command -v cargo >/dev/null || { echo "Rust is missing: see https://rustup.rs" >&2; exit 1; }
	@scripts/install.sh cc=build-essential || { echo "a C compiler is missing: install build-essential" >&2; exit 1; }

components: toolchain
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy

nextest: toolchain
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest

stores:
	@scripts/install.sh redis-server=redis-server initdb=postgresql pgbouncer=pgbouncer openssl=openssl faketime=faketime || { echo "the tests need redis-server, postgresql, pgbouncer, openssl and faketime: install them" >&2; exit 1; }
