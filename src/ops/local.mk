libyoso_la_SOURCES += \
	src/ops/copy.c \
	src/ops/elementwise.c

# Reductions, gathering, sorting, random numbers.
libyoso_la_SOURCES += \
	src/ops/reduce.c

# Matrix products and layers.
libyoso_la_SOURCES +=

# The attention.
libyoso_la_SOURCES +=
