/* elf.c - a small strict reader of shared objects.
 * SPDX-License-Identifier: Apache-2.0
 *
 * dlopen() runs a file's constructors before it returns, so whatever shall be
 * known before its code runs has to be read from the bytes.  Only what that
 * needs is understood here; anything odd is refused.  The bytes may be
 * unaligned and hostile: structs are copied out, ranges are checked first.
 */

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <bellhop/plugin.h>

#include "host/plugin/elf.h"

#include "host/base/banned.h"

/* Our own ELF header, put there by the linker: what a plugin must match. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct image {
	const unsigned char *bytes;
	size_t len;
	ElfW(Ehdr) head;
};

static bool
within(size_t len, uint64_t offset, uint64_t size)
{
	return offset <= len && size <= len - offset;
}

static bool
take(const struct image *im, uint64_t offset, void *out, size_t size)
{
	if (!within(im->len, offset, size))
		return false;
	memcpy(out, im->bytes + offset, size);
	return true;
}

static int
refuse(const char **error, const char *sentence)
{
	*error = sentence;
	return BH_EPARSE;
}

static int
read_header(struct image *im, const char **error)
{
	const ElfW(Ehdr) *our = &__ehdr_start;
	const ElfW(Ehdr) *h = &im->head;

	if (!take(im, 0, &im->head, sizeof(im->head)) ||
	    memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return refuse(error, "is not a shared object: build it with "
		    "cc -shared -fPIC");
	if (h->e_ident[EI_CLASS] != our->e_ident[EI_CLASS] ||
	    h->e_ident[EI_DATA] != our->e_ident[EI_DATA] ||
	    h->e_machine != our->e_machine)
		return refuse(error, "is built for another kind of machine: "
		    "build it on this one");
	if (h->e_type != ET_DYN)
		return refuse(error, "is not a shared object: link it with "
		    "-shared");
	if (h->e_phentsize != sizeof(ElfW(Phdr)) || h->e_phnum == 0 ||
	    h->e_phnum > 128 || !within(im->len, h->e_phoff,
	    (uint64_t)h->e_phnum * sizeof(ElfW(Phdr))))
		return refuse(error, "is damaged (program headers): build or "
		    "copy it again");
	if (h->e_shentsize != sizeof(ElfW(Shdr)) || h->e_shnum == 0 ||
	    !within(im->len, h->e_shoff,
	    (uint64_t)h->e_shnum * sizeof(ElfW(Shdr))))
		return refuse(error, "is damaged or has no section headers: "
		    "build or copy it again, and strip it with plain strip");
	return 0;
}

/* Where `size` bytes at the virtual address stand in the file. */
static bool
file_offset(const struct image *im, uint64_t address, uint64_t size,
    size_t *out)
{
	for (unsigned i = 0; i < im->head.e_phnum; i++) {
		ElfW(Phdr) ph;

		if (!take(im, im->head.e_phoff + i * sizeof(ph), &ph,
		    sizeof(ph)))
			return false;
		if (ph.p_type != PT_LOAD || address < ph.p_vaddr ||
		    address - ph.p_vaddr > ph.p_filesz ||
		    size > ph.p_filesz - (address - ph.p_vaddr))
			continue;
		*out = (size_t)(ph.p_offset + (address - ph.p_vaddr));
		return within(im->len, *out, size);
	}
	return false;
}

/* The entry of the dynamic section that is at `at`; false at its end. */
static bool
dynamic_at(const struct image *im, const ElfW(Phdr) *ph, uint64_t at,
    ElfW(Dyn) *d)
{
	return at + sizeof(*d) <= ph->p_filesz &&
	    take(im, ph->p_offset + at, d, sizeof(*d)) && d->d_tag != DT_NULL;
}

/* A library named by a path is taken from there, whoever may write it; one
 * named by a plain name comes from where the system keeps its own. */
static int
check_needed(const struct image *im, const ElfW(Phdr) *ph, const char **error)
{
	size_t strings = 0;
	uint64_t table = 0, size = 0;
	ElfW(Dyn) d;

	for (uint64_t at = 0; dynamic_at(im, ph, at, &d); at += sizeof(d)) {
		if (d.d_tag == DT_STRTAB)
			table = d.d_un.d_ptr;
		if (d.d_tag == DT_STRSZ)
			size = d.d_un.d_val;
	}
	if (!file_offset(im, table, size, &strings))
		return refuse(error, "is damaged (names of libraries): build "
		    "or copy it again");
	for (uint64_t at = 0; dynamic_at(im, ph, at, &d); at += sizeof(d)) {
		const unsigned char *name;

		if (d.d_tag != DT_NEEDED)
			continue;
		name = im->bytes + strings;
		if (d.d_un.d_val < size)
			name += d.d_un.d_val;
		if (d.d_un.d_val >= size ||
		    memchr(name, '\0', size - d.d_un.d_val) == NULL)
			return refuse(error, "is damaged (names of "
			    "libraries): build or copy it again");
		if (strchr((const char *)name, '/') != NULL)
			return refuse(error, "needs a library by its path: "
			    "install that where the system looks, and link "
			    "with -l");
	}
	return 0;
}

/* What the dynamic section asks of the loader. */
static int
check_dynamic(const struct image *im, const ElfW(Phdr) *ph,
    const char **error)
{
	ElfW(Dyn) d;
	size_t mapped;

	/* The loader goes by the address, we by the offset. */
	if (!file_offset(im, ph->p_vaddr, ph->p_filesz, &mapped) ||
	    mapped != ph->p_offset)
		return refuse(error, "is damaged (dynamic section): build or "
		    "copy it again");
	for (uint64_t at = 0; at + sizeof(d) <= ph->p_filesz;
	    at += sizeof(d)) {
		if (!take(im, ph->p_offset + at, &d, sizeof(d)))
			return refuse(error, "is damaged (dynamic section): "
			    "build or copy it again");
		if (d.d_tag == DT_NULL)
			return check_needed(im, ph, error);
		if (d.d_tag == DT_AUDIT || d.d_tag == DT_DEPAUDIT ||
		    d.d_tag == DT_AUXILIARY || d.d_tag == DT_FILTER)
			return refuse(error, "brings another object along: "
			    "link it without --audit and --filter");
		if (d.d_tag == DT_TEXTREL || (d.d_tag == DT_FLAGS &&
		    (d.d_un.d_val & DF_TEXTREL) != 0))
			return refuse(error, "has text relocations: compile "
			    "all of it with -fPIC");
		if (d.d_tag == DT_RPATH || d.d_tag == DT_RUNPATH)
			return refuse(error, "brings a library search path of "
			    "its own: link it without -rpath");
		if (d.d_tag == DT_FLAGS_1 && (d.d_un.d_val & DF_1_NOOPEN) != 0)
			return refuse(error, "is marked as not loadable: link "
			    "it without -z nodlopen");
		if (d.d_tag == DT_FLAGS_1 && (d.d_un.d_val & DF_1_PIE) != 0)
			return refuse(error, "is a program: link it with "
			    "-shared");
	}
	return refuse(error, "is damaged (dynamic section has no end): build "
	    "or copy it again");
}

static int
check_segments(const struct image *im, const char **error)
{
	bool stack = false, dynamic = false;

	for (unsigned i = 0; i < im->head.e_phnum; i++) {
		ElfW(Phdr) ph;
		int ret;

		if (!take(im, im->head.e_phoff + i * sizeof(ph), &ph,
		    sizeof(ph)))
			return refuse(error, "is damaged: copy it again");
		if (ph.p_type == PT_LOAD &&
		    (!within(im->len, ph.p_offset, ph.p_filesz) ||
		    ph.p_filesz > ph.p_memsz))
			return refuse(error, "is cut short: build or copy it "
			    "again");
		if (ph.p_type == PT_LOAD && (ph.p_flags & PF_W) != 0 &&
		    (ph.p_flags & PF_X) != 0)
			return refuse(error, "has memory that is writable and "
			    "executable: link it without -N");
		if (ph.p_type == PT_GNU_STACK) {
			stack = true;
			/* One such object makes every stack of the host
			 * executable. */
			if ((ph.p_flags & PF_X) != 0)
				return refuse(error, "wants an executable "
				    "stack: link it with -z noexecstack");
		}
		if (ph.p_type == PT_DYNAMIC) {
			dynamic = true;
			if ((ret = check_dynamic(im, &ph, error)) != 0)
				return ret;
		}
	}
	if (!stack)	/* none counts as executable */
		return refuse(error, "does not say that its stack is not "
		    "executable: link it with -z noexecstack");
	if (!dynamic)
		return refuse(error, "has no dynamic section: link it with "
		    "-shared");
	return 0;
}

/* Is the string at `offset` of the string table exactly `name`? */
static bool
named(const struct image *im, const ElfW(Shdr) *strings, uint64_t offset,
    const char *name)
{
	size_t n = strlen(name) + 1;

	return offset <= strings->sh_size && n <= strings->sh_size - offset &&
	    within(im->len, strings->sh_offset, strings->sh_size) &&
	    memcmp(im->bytes + strings->sh_offset + offset, name, n) == 0;
}

static int
find_symbol(const struct image *im, const char *name, ElfW(Sym) *out,
    const char **error)
{
	for (unsigned i = 0; i < im->head.e_shnum; i++) {
		ElfW(Shdr) sh, strings;

		if (!take(im, im->head.e_shoff + i * sizeof(sh), &sh,
		    sizeof(sh)) || sh.sh_type != SHT_DYNSYM)
			continue;
		if (sh.sh_entsize != sizeof(ElfW(Sym)) ||
		    sh.sh_link >= im->head.e_shnum ||
		    !within(im->len, sh.sh_offset, sh.sh_size) ||
		    !take(im, im->head.e_shoff + sh.sh_link * sizeof(strings),
		    &strings, sizeof(strings)) ||
		    strings.sh_type != SHT_STRTAB)
			return refuse(error, "is damaged (symbols): build or "
			    "copy it again");
		for (uint64_t at = 0; at + sizeof(*out) <= sh.sh_size;
		    at += sizeof(*out)) {
			memcpy(out, im->bytes + sh.sh_offset + at,
			    sizeof(*out));
			if (out->st_shndx != SHN_UNDEF &&
			    (out->st_info & 0xf) == STT_OBJECT &&
			    named(im, &strings, out->st_name, name))
				return 0;
		}
	}
	return refuse(error, "is no bellhop plugin: it exports no "
	    "bellhop_plugin, which BH_PLUGIN() makes");
}

int
elf_find(const unsigned char *bytes, size_t len, const char *name,
    size_t *offset, size_t *size, const char **error)
{
	struct image im = { .bytes = bytes, .len = len };
	ElfW(Sym) sym;
	int ret;

	if ((ret = read_header(&im, error)) != 0 ||
	    (ret = check_segments(&im, error)) != 0 ||
	    (ret = find_symbol(&im, name, &sym, error)) != 0)
		return ret;
	if (!file_offset(&im, sym.st_value, sym.st_size, offset))
		return refuse(error, "keeps bellhop_plugin outside of its "
		    "data: make it with BH_PLUGIN()");
	*size = (size_t)sym.st_size;
	return 0;
}
