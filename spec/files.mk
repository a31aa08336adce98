# The spec files to run, found when make runs: Automake would read the words of this as names of tests.
TESTS += $(shell cd $(top_srcdir) && find $(SPECS) -name '*_spec.lua' | sort)
