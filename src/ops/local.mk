libyoso_la_SOURCES += \
	src/ops/copy.c \
	src/ops/elementwise.c
