# The declarations that Lua's FFI reads are made from yoso.h: the preprocessor lines, the
# comments' markers for C++ and nothing else are dropped.
BUILT_SOURCES += lua/yoso/cdef.lua
CLEANFILES += lua/yoso/cdef.lua
lua/yoso/cdef.lua: $(top_srcdir)/src/yoso.h $(top_srcdir)/lua/make_cdef.lua
	$(AM_V_GEN)$(MKDIR_P) lua/yoso && \
	$(LUAJIT_PROGRAM) $(top_srcdir)/lua/make_cdef.lua $(top_srcdir)/src/yoso.h > $@.tmp && mv $@.tmp $@
EXTRA_DIST += lua
# What the build made stands in the same folder, but is not source.
dist-hook:
	rm -f $(distdir)/lua/yoso/cdef.lua
