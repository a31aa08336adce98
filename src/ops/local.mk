libyoso_la_SOURCES += \
	src/ops/copy.c \
	src/ops/operands.h \
	src/ops/elementwise.c \
	src/ops/compare.c \
	src/ops/unary.c

# Reductions, gathering, sorting, random numbers.
libyoso_la_SOURCES += \
	src/ops/reduce.c \
	src/ops/random.c

# Matrix products and layers.
libyoso_la_SOURCES += \
	src/ops/linear.c \
	src/ops/matmul.c

# The attention.
libyoso_la_SOURCES +=
