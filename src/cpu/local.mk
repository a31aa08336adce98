# Every kernel file is compiled once for each instruction set; the table that is used is
# picked at run time (src/backend.c). YO_ISA names the variant and so the symbols.
cpu_kernel_sources = \
	src/cpu/cpu.h src/cpu/cpu_kernels.h src/cpu/walk.h \
	src/cpu/convert.h src/cpu/amx.h src/cpu/amx_product.h src/cpu/amx_finish.h src/cpu/amx_block.h \
	src/cpu/copy.c \
	src/cpu/vmath.h \
	src/cpu/elementwise.c \
	src/cpu/compare.c \
	src/cpu/unary.c \
	src/cpu/unary_grad.c \
	src/cpu/table.c

# Reductions, gathering, sorting, random numbers.
cpu_kernel_sources += \
	src/cpu/reduce_partial.h src/cpu/reduce.c \
	src/cpu/gather.c \
	src/cpu/sort.c \
	src/cpu/random.c

# Matrix products and layers.
cpu_kernel_sources += \
	src/cpu/conv.c \
	src/cpu/dropout.h src/cpu/dropout.c \
	src/cpu/embedding.c \
	src/cpu/loss.c \
	src/cpu/linear_int8.c \
	src/cpu/matmul.c \
	src/cpu/norm_rows.h src/cpu/norm.c src/cpu/residual.c src/cpu/activated.c \
	src/cpu/optimizer.c \
	src/cpu/activate.h src/cpu/half_product.h src/cpu/half_pack.h \
	src/cpu/product.c src/cpu/amx_direct_pack.h src/cpu/amx_direct.h src/cpu/amx_direct.c \
	src/cpu/softmax.c

# Compiled once: oneDNN picks the instruction set itself, tables need none.
libyoso_la_SOURCES += \
	src/cpu/dnnl_product.c src/cpu/dnnl_product.h \
	src/cpu/gelu_pieces.c src/cpu/gelu_pieces.h \
	src/cpu/dnnl_versions.h \
	src/cpu/matmul_dnnl.c src/cpu/matmul_dnnl.h

# The attention.
cpu_kernel_sources += \
	src/cpu/simd.h src/cpu/tile.h \
	src/cpu/attention.h src/cpu/attention.c \
	src/cpu/pairs.h src/cpu/pairs.c src/cpu/short_pairs.h src/cpu/short_pairs.c \
	src/cpu/yoso_expectation.c src/cpu/softmax_attention.c \
	src/cpu/lsh.h src/cpu/lsh_hash.c src/cpu/fast_hash.c \
	src/cpu/lsh_draw.c \
	src/cpu/lsh_cumulation.c src/cpu/lsh_pairs.c src/cpu/lsh_weighted.c \
	src/cpu/lsh_meet.h src/cpu/lsh_meet.c src/cpu/lsh_meet_many.c \
	src/cpu/yoso_sample.c src/cpu/yoso_sample_grad.c src/cpu/attention_parts.c

# Automake puts the user's CFLAGS, and so configure's -O2, behind these: what -O3 would add for
# loops is named one by one.
CPU_CFLAGS = $(AM_CFLAGS) -O3 -fno-math-errno -fno-trapping-math \
	-ftree-loop-vectorize -ftree-slp-vectorize -fvect-cost-model=dynamic \
	-fversion-loops-for-strides -funswitch-loops -fpeel-loops -fsplit-loops

noinst_LTLIBRARIES += libcpu_plain.la
libcpu_plain_la_SOURCES = $(cpu_kernel_sources)
libcpu_plain_la_CFLAGS = $(CPU_CFLAGS) -DYO_ISA=plain
libyoso_la_LIBADD += libcpu_plain.la

if HAVE_AVX2
noinst_LTLIBRARIES += libcpu_avx2.la
libcpu_avx2_la_SOURCES = $(cpu_kernel_sources)
libcpu_avx2_la_CFLAGS = $(CPU_CFLAGS) -DYO_ISA=avx2 -mavx2 -mfma -mf16c
libyoso_la_LIBADD += libcpu_avx2.la
endif

if HAVE_AVX512
noinst_LTLIBRARIES += libcpu_avx512.la
libcpu_avx512_la_SOURCES = $(cpu_kernel_sources)
libcpu_avx512_la_CFLAGS = $(CPU_CFLAGS) -DYO_ISA=avx512 \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mprefer-vector-width=512
libyoso_la_LIBADD += libcpu_avx512.la
endif

if HAVE_AVX512FP16
noinst_LTLIBRARIES += libcpu_avx512fp16.la
libcpu_avx512fp16_la_SOURCES = $(cpu_kernel_sources) \
	src/cpu/half_linear.c src/cpu/half_product.c src/cpu/half_pack.c src/cpu/lsh_half.c
libcpu_avx512fp16_la_CFLAGS = $(CPU_CFLAGS) -DYO_ISA=avx512fp16 \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mprefer-vector-width=512 \
	-mavx512fp16 -mavx512bf16 -mbmi2
libyoso_la_LIBADD += libcpu_avx512fp16.la
endif

if HAVE_AMX
noinst_LTLIBRARIES += libcpu_amx.la
libcpu_amx_la_SOURCES = $(cpu_kernel_sources) \
	src/cpu/amx_pack.c src/cpu/amx_block.c src/cpu/amx_product.c \
	src/cpu/amx_finish.c src/cpu/amx_linear.c src/cpu/amx_matmul.c \
	src/cpu/amx_pairs.c src/cpu/amx_pairs.h \
	src/cpu/amx_expectation.c src/cpu/amx_softmax.c src/cpu/amx_counts.c \
	src/cpu/lsh_half.c src/cpu/lsh_tiles.c
libcpu_amx_la_CFLAGS = $(CPU_CFLAGS) -DYO_ISA=amx \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mprefer-vector-width=512 \
	-mavx512vbmi -mavx512vbmi2 -mavx512vnni -mavx512bf16 -mavx512fp16 -mbmi2 \
	-mamx-tile -mamx-bf16 -mamx-int8
libyoso_la_LIBADD += libcpu_amx.la
endif
