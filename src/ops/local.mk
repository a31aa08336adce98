libyoso_la_SOURCES += \
	src/ops/copy.c \
	src/ops/operands.h \
	src/ops/elementwise.c \
	src/ops/compare.c \
	src/ops/unary.c

# Reductions, gathering, sorting, random numbers.
libyoso_la_SOURCES += \
	src/ops/reduce.c \
	src/ops/gather.c \
	src/ops/sort.c \
	src/ops/join.c \
	src/ops/random.c

# Matrix products and layers.
libyoso_la_SOURCES += \
	src/ops/block.c \
	src/ops/conv.c \
	src/ops/dropout.c \
	src/ops/embedding.c \
	src/ops/embeddings.c \
	src/ops/linear.c src/ops/linear_loss.c \
	src/ops/loss.c \
	src/ops/matmul.c \
	src/ops/norm.c \
	src/ops/optimizer.c \
	src/ops/product.h src/ops/product.c \
	src/ops/residual.h src/ops/residual.c \
	src/ops/rows.c src/ops/rows.h \
	src/ops/softmax.c \
	src/ops/train_layer.h src/ops/train_layer.c src/ops/train_layer_grad.c

# The attention.
libyoso_la_SOURCES += \
	src/ops/attention.h src/ops/attention.c \
	src/ops/lsh.c
