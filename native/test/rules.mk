# Unit tests and fuzz targets of the C side; included by the top-level Makefile.
#
# Every native/test/*_test.c and native/fuzz/*.c is a program. What it needs besides itself and what it includes stands
# in its first lines:
#
#     * Links: lane.c arena.c libuv
#
# Words ending in .c are sources of native/, patterns such as *.c allowed; others are pkg-config packages. Outputs go to build/.

NATIVE_CC ?= gcc
NATIVE_CLANG ?= clang
NATIVE_WARNINGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wconversion -Werror
NATIVE_TEST_OUT := build/native
NATIVE_FUZZ_OUT := build/fuzz

# ASAN also looks for leaks at exit; every finding ends the program with an error.
NATIVE_FLAGS_plain := $(NATIVE_CC) -O2 -g
NATIVE_FLAGS_asan := $(NATIVE_CLANG) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
NATIVE_FLAGS_tsan := $(NATIVE_CLANG) -O1 -g -fno-omit-frame-pointer -fsanitize=thread
NATIVE_FLAGS_fuzz := $(NATIVE_CLANG) -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

NATIVE_HEADERS := $(wildcard native/*.h native/test/*.h native/fuzz/*.h)
NATIVE_TEST_SOURCES := $(wildcard native/test/*_test.c)
NATIVE_FUZZ_SOURCES := $(wildcard native/fuzz/*.c)
NATIVE_TESTS := $(patsubst native/test/%.c,%,$(NATIVE_TEST_SOURCES))
NATIVE_FUZZERS := $(patsubst native/fuzz/%.c,%,$(NATIVE_FUZZ_SOURCES))

# $(call native-links,FILE): the words after "Links:".
native-links = $(shell sed -n '1,15s/^.*Links: *//p' $(1))
native-link-sources = $(sort $(foreach word,$(filter %.c,$(call native-links,$(1))),$(or $(wildcard native/$(word)),native/$(word))))
native-link-packages = $(filter-out %.c,$(call native-links,$(1)))
# $(call native-included,FILE): the .c files that FILE includes, for the dependency only.
native-included = $(patsubst %,native/%,$(shell sed -n 's/^\#include "\.\.\/\(.*\.c\)"/\1/p' $(1)))

# $(call native-program,SOURCE,PROGRAM,FLAVOUR)
define native-program
$(2): $(1) $(call native-link-sources,$(1)) $(call native-included,$(1)) $(NATIVE_HEADERS) native/test/rules.mk
	@mkdir -p $$(@D)
	$$(NATIVE_FLAGS_$(3)) $(NATIVE_WARNINGS) -Inative -Inative/test -o $$@ $(1) $(call native-link-sources,$(1)) \
		$(if $(call native-link-packages,$(1)),$$$$(pkg-config --cflags --libs $(call native-link-packages,$(1)))) -pthread
endef

$(foreach flavour,plain asan tsan,$(foreach name,$(NATIVE_TESTS),$(eval \
	$(call native-program,native/test/$(name).c,$(NATIVE_TEST_OUT)/$(flavour)/$(name),$(flavour)))))
$(foreach name,$(NATIVE_FUZZERS),$(eval \
	$(call native-program,native/fuzz/$(name).c,$(NATIVE_FUZZ_OUT)/$(name),fuzz)))

# What the differential test (test/differential) runs of ours; its Go tests build them by these rules.
$(foreach name,h1_verdict h1_serve,$(foreach flavour,plain asan,$(eval \
	$(call native-program,native/test/$(name).c,$(NATIVE_TEST_OUT)/$(flavour)/$(name),$(flavour)))))

INPUTS ?= 1000000
SEED ?= 0
BUILT ?= plain
DIFFERENTIAL ?= TestAgainstForeignParsers|TestServerReadsAsTheParser|TestAnswersReadAsMeant

.PHONY: native-differential
native-differential: setup-test ## INPUTS (1000000) streams and answers through ours, net/http and Node's llhttp; SEED to repeat, BUILT=asan
	$(GO) test ./test/differential -count=1 -timeout 0 -v -run '$(DIFFERENTIAL)' \
		-args -inputs $(INPUTS) -seed $(SEED) -built $(BUILT) -report

# $(call native-run,FLAVOUR,PREFIX): runs the programs one after the other; all of them, then fails if one did.
native-run = @failed=(); \
	for name in $(NATIVE_TESTS); do \
		echo "$(1) $$name:"; \
		$(2) $(NATIVE_TEST_OUT)/$(1)/$$name || failed+=("$$name"); \
	done; \
	if (($${\#failed[@]} > 0)); then echo "$(1): failed: $${failed[*]}" >&2; exit 1; fi

# clang's ThreadSanitizer cannot live with high-entropy address layouts; where personality(2) is forbidden, try without.
NATIVE_TSAN_PREFIX = $$(setarch -R true 2>/dev/null && echo setarch -R)

.PHONY: native-test
native-test: $(addprefix $(NATIVE_TEST_OUT)/plain/,$(NATIVE_TESTS)) ## C unit tests
	$(call native-run,plain,)

.PHONY: native-test-asan
native-test-asan: $(addprefix $(NATIVE_TEST_OUT)/asan/,$(NATIVE_TESTS)) native-fuzz-corpus ## C unit tests and the fuzz corpora under ASan+UBSan
	$(call native-run,asan,)

.PHONY: native-test-tsan
native-test-tsan: $(addprefix $(NATIVE_TEST_OUT)/tsan/,$(NATIVE_TESTS)) ## C unit tests under ThreadSanitizer
	$(call native-run,tsan,TSAN_OPTIONS=halt_on_error=1 $(NATIVE_TSAN_PREFIX))

.PHONY: native-golden
native-golden: $(addprefix $(NATIVE_TEST_OUT)/plain/,$(filter h1_%golden_test,$(NATIVE_TESTS))) ## rewrite the expectations of the parsers' golden files
	for program in $^; do "$$program" --rewrite; done

.PHONY: native-fuzz-seeds
native-fuzz-seeds: $(NATIVE_TEST_OUT)/plain/h1_golden_test $(NATIVE_TEST_OUT)/plain/h1_chunked_golden_test ## add the golden cases to the committed fuzz seeds
	$(NATIVE_TEST_OUT)/plain/h1_golden_test --seeds native/fuzz/corpus/h1_request
	$(NATIVE_TEST_OUT)/plain/h1_chunked_golden_test --seeds native/fuzz/corpus/h1_body

# Every committed seed once, without mutation.
.PHONY: native-fuzz-corpus
native-fuzz-corpus: $(addprefix $(NATIVE_FUZZ_OUT)/,$(NATIVE_FUZZERS))
	@for name in $(NATIVE_FUZZERS); do \
		if ! $(NATIVE_FUZZ_OUT)/$$name -runs=0 native/fuzz/corpus/$$name >build/fuzz/$$name.log 2>&1; then \
			cat build/fuzz/$$name.log >&2; exit 1; fi; \
		echo "fuzz corpus $$name: $$(find native/fuzz/corpus/$$name -type f | wc -l) inputs passed"; \
	done

.PHONY: fuzz-native
fuzz-native: $(addprefix native-fuzz-,$(NATIVE_FUZZERS)) ## the C fuzz targets

# native-fuzz-NAME: FUZZTIME (60s, 5m) from the committed seeds; what is found is kept below build/fuzz.
.PHONY: $(addprefix native-fuzz-,$(NATIVE_FUZZERS))
$(addprefix native-fuzz-,$(NATIVE_FUZZERS)): native-fuzz-%: $(NATIVE_FUZZ_OUT)/%
	@mkdir -p build/fuzz/corpus/$*
	dictionary=native/fuzz/$*.dict; \
	time=$(FUZZTIME); case "$$time" in *m) time=$$((60 * $${time%m})) ;; *) time=$${time%s} ;; esac; \
	$(NATIVE_FUZZ_OUT)/$* $$([[ -f $$dictionary ]] && echo "-dict=$$dictionary") -max_total_time="$$time" -max_len=4096 -timeout=10 -print_final_stats=1 \
		-artifact_prefix=build/fuzz/$*- build/fuzz/corpus/$* native/fuzz/corpus/$*
