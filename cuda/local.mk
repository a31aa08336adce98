# The CUDA module: rules for GNU make, read by the Makefile where this folder is there. One list
# of sources is built twice: by nvcc into libyoso-cuda.so, which the library loads when the
# device cuda is asked for, and by the C++ compiler into libyoso-cuda-emulated.so, which the
# specs load in its place.
cuda_sources = \
	cuda/module.cu \
	cuda/memory.cu \
	cuda/graph.cu \
	cuda/table.cu \
	cuda/copy.cu \
	cuda/elementwise.cu \
	cuda/unary.cu \
	cuda/compare.cu \
	cuda/reduce.cu \
	cuda/random.cu \
	cuda/gather.cu \
	cuda/sort.cu \
	cuda/softmax.cu \
	cuda/norm.cu \
	cuda/norm_rows.cu \
	cuda/residual.cu \
	cuda/columns.cu \
	cuda/scan.cu \
	cuda/embedding.cu \
	cuda/embedding_grad.cu \
	cuda/conv.cu \
	cuda/dropout.cu \
	cuda/loss.cu \
	cuda/matmul.cu \
	cuda/tiles.cu \
	cuda/cublas.cu \
	cuda/linear_int8.cu \
	cuda/attention.cu \
	cuda/yoso_expectation.cu \
	cuda/softmax_attention.cu \
	cuda/lsh_hash.cu \
	cuda/lsh_codes.cu \
	cuda/lsh_sort.cu \
	cuda/fast_hash.cu \
	cuda/lsh_scales.cu \
	cuda/lsh_cumulation.cu \
	cuda/lsh_weighted.cu \
	cuda/yoso_sample.cu \
	cuda/optimizer.cu

emulate_sources = cuda/emulate/fiber.cc cuda/emulate/runtime.cc cuda/emulate/scheduler.cc

cuda_flags = -I$(top_srcdir)/src -I$(top_srcdir) -std=c++17
cuda_objects = $(cuda_sources:.cu=.nv.o)
emulated_objects = $(cuda_sources:.cu=.emulated.o) $(emulate_sources:.cc=.emulated.o)

cuda/%.nv.o: cuda/%.cu
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(NVCC) $(NVCC_ARCHS) $(cuda_flags) -O3 -Xcompiler -fPIC,-fvisibility=hidden \
		-MMD -MF $@.d -c $< -o $@

emulate = $(CXX) -x c++ $(cuda_flags) -O2 -g -fno-strict-aliasing -Wall -Wextra -Werror -Wno-unknown-pragmas -fPIC \
	-fvisibility=hidden $(SANITIZE) -MMD -MF $@.d -c $< -o $@

cuda/%.emulated.o: cuda/%.cu
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(emulate)

cuda/%.emulated.o: cuda/%.cc
	@$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(emulate)

cuda/libyoso-cuda.so: $(cuda_objects)
	$(AM_V_GEN)$(NVCC) -shared -cudart static -o $@ $(cuda_objects)

cuda/libyoso-cuda-emulated.so: $(emulated_objects)
	$(AM_V_GEN)$(CXX) -shared $(SANITIZE) -o $@ $(emulated_objects)

-include $(cuda_objects:=.d) $(emulated_objects:=.d)

clean-am: clean-cuda
clean-cuda:
	rm -f cuda/*.o cuda/emulate/*.o cuda/*.d cuda/emulate/*.d cuda/*.so

.PHONY: clean-cuda install-cuda uninstall-cuda check-emulated

ifneq ($(NVCC),)
all-am: cuda/libyoso-cuda.so
install-exec-am: install-cuda
install-cuda: cuda/libyoso-cuda.so
	$(MKDIR_P) $(DESTDIR)$(libdir)
	$(INSTALL_PROGRAM) cuda/libyoso-cuda.so $(DESTDIR)$(libdir)/libyoso-cuda.so
uninstall-am: uninstall-cuda
uninstall-cuda:
	rm -f $(DESTDIR)$(libdir)/libyoso-cuda.so
endif

# The specs of the device run against the emulation; with YOSO_CUDA_MODULE= and the path of
# libyoso-cuda.so on make's command line, against a real one.
ifeq ($(HAVE_CXX17),yes)
YOSO_CUDA_MODULE = $(abs_top_builddir)/cuda/libyoso-cuda-emulated.so
SPEC_ENVIRONMENT += YOSO_CUDA_MODULE=$(YOSO_CUDA_MODULE)
check-emulated: $(if $(filter spec spec/cuda%,$(SPECS)),cuda/libyoso-cuda-emulated.so)
check-TESTS: check-emulated
endif
