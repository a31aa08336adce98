# LuaJIT states, embedded scripts and the program.
libyoso_la_SOURCES += \
	src/host/convert.c \
	src/host/interrupt.c \
	src/host/modules.c src/host/modules.h \
	src/host/state.c src/host/state.h \
	src/host/value.c src/host/value.h src/host/value_table.c
nodist_libyoso_la_SOURCES += src/host/embedded.c
AM_CPPFLAGS += -DYO_DATA_PATH='"$(pkgdatadir)"'

# All Lua modules as one C file.
LUA_MODULES = $(shell cd $(top_srcdir) && find lua/yoso -name '*.lua' ! -name cdef.lua)
CLEANFILES += src/host/embedded.c
src/host/embedded.c: $(LUA_MODULES) lua/yoso/cdef.lua $(top_srcdir)/lua/embed.lua
	$(AM_V_GEN)$(MKDIR_P) src/host && $(LUAJIT_PROGRAM) $(top_srcdir)/lua/embed.lua \
	  $(addprefix $(top_srcdir)/,$(LUA_MODULES)) lua/yoso/cdef.lua > $@.tmp && mv $@.tmp $@

# The program. build/yoso runs in place; the installed one is linked by libtool's rules, from
# the same sources, when it is installed.
program_sources = src/host/main.c src/host/line.c src/host/line.h
noinst_PROGRAMS += yoso
yoso_SOURCES = $(program_sources)
yoso_LDADD = libyoso.la $(LUAJIT_LIBS) $(LIBEDIT_LIBS)
yoso_LDFLAGS = $(AM_LDFLAGS) -no-install
bin_PROGRAMS += src/host/yoso
src_host_yoso_SOURCES = $(program_sources)
src_host_yoso_LDADD = $(yoso_LDADD)

# What ships beside the library: models and the users' scripts. A build tree sees the models
# through a link, so that the program finds them in place.
EXTRA_DIST += models scripts docs
all-local: models-in-place
models-in-place:
	$(AM_V_GEN)$(LN_S) $(top_srcdir)/models $@

SHIPPED = $(shell cd $(top_srcdir) && find models scripts -type f \( -path 'models/*' -o -name '*.lua' \) 2>/dev/null)
install-data-local:
	@for file in $(SHIPPED); do \
	  $(MKDIR_P) "$(DESTDIR)$(pkgdatadir)/$${file%/*}" && \
	  $(INSTALL_DATA) "$(top_srcdir)/$$file" "$(DESTDIR)$(pkgdatadir)/$$file" || exit 1; \
	done
uninstall-local:
	-for file in $(SHIPPED); do rm -f "$(DESTDIR)$(pkgdatadir)/$$file"; done
# Where spec/c installs and builds.
clean-local:
	-rm -rf spec/c-tests
distclean-local:
	-rm -f models-in-place
