# make check: every spec under busted, in this build's library; `make check SPECS=spec/nn` some.
# The C tests that specs build and run themselves are in spec/c.
EXTRA_DIST += spec
SPECS = spec
SPEC_ENVIRONMENT = YOSO_LIBRARY=$(abs_top_builddir)/.libs/libyoso.so.0 \
	YOSO_BUILD=$(abs_top_builddir) OMP_WAIT_POLICY=passive \
	YOSO_CC="$(CC)" YOSO_SANITIZE="$(SANITIZE)" \
	LUA_PATH="$(abs_top_srcdir)/lua/?.lua;$(abs_top_srcdir)/lua/?/init.lua;$(abs_top_builddir)/lua/?.lua;$(abs_top_srcdir)/?.lua;;"

# Threads that wait give their core away: on a machine with other work to do, waiting busily made
# the specs ten times slower.
check-local: all
	cd $(top_srcdir) && OMP_WAIT_POLICY=passive $(SPEC_ENVIRONMENT) $(SPEC_PRELOAD) busted --lua=$(LUAJIT_PROGRAM) \
		--output=plainTerminal --pattern=_spec $(SPECS)

# A shell line that puts this build's library and Lua files into the environment:
#   eval "$(make -s environment)"; luajit -e 'print(require("yoso").zeros{2})'
environment:
	@echo 'export $(SPEC_ENVIRONMENT)'

.PHONY: environment
