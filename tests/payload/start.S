/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From reset to main() in 64-bit mode, with the first 4 GiB mapped to
 * themselves, and what C cannot say: a call that survives an exception, a
 * call of 32-bit code, a start for further processors.
 */
#define CODE32 0x08
#define DATA32 0x10
#define CODE64 0x18
#define SHIFTED 0x20            /* data, base 0x1000 */

#define CR0_PE 0x1
#define CR0_PG_PE_WP 0x80010001
#define CR4_PAE 0x20
#define EFER 0xc0000080
#define EFER_LME 0x100
#define PRESENT_RW 0x3
#define LARGE_RW 0x83
#define STACK_BYTES 0x4000
#define VECTORS 32

    .section .reset, "ax"
    .code16
    .globl reset
reset:
    cli
    ljmp $0xf000, $(start16 - 0xf0000)

    .section .text.start, "ax"
/* Further processors start at 0xf0000: their vector is 0xf0 */
    jmp start16
    .code16
start16:
    cli
    mov $0xf000, %ax
    mov %ax, %ds
    lgdtl gdt_pointer - 0xf0000
    mov %cr0, %eax
    or $CR0_PE, %al
    mov %eax, %cr0
    ljmpl $CODE32, $start32

    .code32
start32:
    mov $DATA32, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    /* The number of this processor is its place in the order of arrival */
    mov $1, %ebp
    lock xadd %ebp, processors
    test %ebp, %ebp
    jnz map_done

    /* 2048 pages of 2 MiB in four tables */
    mov $page_directories, %edi
    mov $LARGE_RW, %eax
1:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    cmp $page_directories + 4 * 4096, %edi
    jne 1b
    mov $page_directories + PRESENT_RW, %eax
    mov $page_pointers, %edi
1:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    cmp $page_pointers + 4 * 8, %edi
    jne 1b
    movl $page_pointers + PRESENT_RW, page_root
map_done:
    mov $CR4_PAE, %eax
    mov %eax, %cr4
    mov $page_root, %eax
    mov %eax, %cr3
    mov $EFER, %ecx
    rdmsr
    or $EFER_LME, %eax
    wrmsr
    mov $CR0_PG_PE_WP, %eax
    mov %eax, %cr0
    ljmpl $CODE64, $start64

    .code64
start64:
    mov %ebp, %ebp
    lea 1(%rbp), %rsp
    imul $STACK_BYTES, %rsp
    add $stacks, %rsp
    test %ebp, %ebp
    jz first
    lidt idt_pointer
    mov %ebp, %edi
    call other_main
1:  hlt
    jmp 1b

first:
    mov $idt, %edi
    mov $handlers, %esi
    mov $VECTORS, %ecx
1:  mov %esi, %eax
    mov %ax, (%rdi)
    movw $CODE64, 2(%rdi)
    movw $0x8e00, 4(%rdi)
    shr $16, %eax
    mov %ax, 6(%rdi)
    add $16, %rdi
    add $16, %rsi
    loop 1b
    lidt idt_pointer
    call main
1:  hlt
    jmp 1b

/* One entry of 16 bytes for each vector: its number, then onwards */
    .balign 16
handlers:
    .set vector, 0
    .rept VECTORS
    .balign 16
    mov $vector, %eax
    jmp recover
    .set vector, vector + 1
    .endr
recover:
    mov recovery_stack, %rsp
    ret

/*
 * int attempt(void (*what)(void *to, void *from), void *to, void *from)
 * returns -1, or the vector of the exception that ended it.
 */
    .globl attempt
attempt:
    push %rbx
    push %rbp
    lea -8(%rsp), %rax
    mov %rax, recovery_stack
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    call attempt_call
    pop %rbp
    pop %rbx
    ret
/* recover returns to the instruction after the call above */
attempt_call:
    call *%rax
    mov $-1, %eax
    ret

/*
 * void shifted_copy(void *to, void *from): the instruction in 32-bit code,
 * with ES based at 0x1000 and an override that must not matter to it
 */
    .globl shifted_copy
shifted_copy:
    push %rbx
    mov $SHIFTED, %eax
    mov %eax, %es
    lcall *far_code32
    mov $DATA32, %eax
    mov %eax, %es
    pop %rbx
    ret
    .code32
code32:
    ds movdir64b (%esi), %edi
    lret
    .code64

    .balign 8
far_code32:
    .long code32
    .word CODE32
    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
    .quad 0x00af9b000000ffff
    .quad 0x00cf93001000ffff
gdt_pointer:
    .word . - gdt - 1
    .long gdt
    .balign 8
idt_pointer:
    .word VECTORS * 16 - 1
    .quad idt

    .bss
    .balign 4096
page_root:
    .skip 4096
page_pointers:
    .skip 4096
    .globl page_directories
page_directories:
    .skip 4 * 4096
    .balign 16
idt:
    .skip VECTORS * 16
recovery_stack:
    .skip 8
    .globl processors
processors:
    .skip 8
    .balign 16
stacks:
    .skip 4 * STACK_BYTES
