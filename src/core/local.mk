libyoso_la_SOURCES += \
	src/core/amx.c src/core/amx.h \
	src/core/arccos_power.h \
	src/core/bf16.c src/core/bf16.h \
	src/core/derived.c src/core/derived.h \
	src/core/dtype.c src/core/dtype.h \
	src/core/extents.c src/core/extents.h \
	src/core/memory.c src/core/memory.h \
	src/core/philox.h \
	src/core/shape.c src/core/shape.h \
	src/core/sigint.c \
	src/core/status.c src/core/status.h \
	src/core/tensor.c src/core/tensor.h \
	src/core/threads.c src/core/threads.h \
	src/core/view.h
