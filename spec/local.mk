# make check: every spec file under busted, in this build's library, by Automake's harness, which keeps
# each one's words beside it in the build folder (spec/nn/module_spec.log): `make -j2 check` runs two at a
# time, `make check SPECS=spec/nn` some.
# The C tests that specs build and run themselves are in spec/c.
EXTRA_DIST += spec
SPECS = spec
# Threads that wait give their core away: on a machine with other work to do, waiting busily made
# the specs ten times slower.
SPEC_ENVIRONMENT = YOSO_LIBRARY=$(abs_top_builddir)/.libs/libyoso.so.0 \
	YOSO_BUILD=$(abs_top_builddir) OMP_WAIT_POLICY=passive \
	YOSO_CC="$(CC)" YOSO_SANITIZE="$(SANITIZE)" \
	LUA_PATH="$(abs_top_srcdir)/lua/?.lua;$(abs_top_srcdir)/lua/?/init.lua;$(abs_top_builddir)/lua/?.lua;$(abs_top_srcdir)/?.lua;;"

AM_TESTS_ENVIRONMENT = export $(SPEC_ENVIRONMENT); \
	export LUAJIT="$(LUAJIT_PROGRAM)" SPEC_PRELOAD="$(SPEC_PRELOAD)";
TEST_EXTENSIONS = .lua
LUA_LOG_COMPILER = $(srcdir)/spec/run
-include $(top_srcdir)/spec/files.mk

# A shell line that puts this build's library and Lua files into the environment:
#   eval "$(make -s environment)"; luajit -e 'print(require("yoso").zeros{2})'
environment:
	@echo 'export $(SPEC_ENVIRONMENT)'

.PHONY: environment
