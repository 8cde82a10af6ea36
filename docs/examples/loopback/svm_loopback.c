/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Minimal Linux driver of a device that shares virtual memory: svm-loopback.
 *
 * Opening /dev/svm-loopbackN binds the process to a queue, mmap() gives it
 * the doorbell, closing ends it.  Frames go from the process to the device
 * without the kernel.  Page faults of the device need nothing here: the
 * IOMMU's driver and the kernel's core serve them.
 *
 * docs/your-device.md goes through it.  For Linux 7.2.
 */
#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "hw/misc/svm/loopback-regs.h"

#define REGS_BAR 0
#define DOORBELLS_BAR 2
#define NAME_LEN 32

/* A queue that is open; gone when it is closed */
struct loopback_queue {
    struct loopback *card;
    unsigned int number;
    struct mm_struct *mm;       /* of the process; not its users */
    struct iommu_sva *sva;      /* NULL: the device has gone */
};

struct loopback {
    struct kref kref;           /* of the function, and of each queue */
    struct pci_dev *pdev;
    void __iomem *regs;
    struct miscdevice misc;
    char name[NAME_LEN];
    struct address_space *mapping;      /* of all doorbells that are mapped */

    struct mutex lock;          /* guards the rest */
    bool gone;
    struct loopback_queue *queue[LOOPBACK_QUEUES];
};

static void loopback_free(struct kref *kref)
{
    kfree(container_of(kref, struct loopback, kref));
}

/*
 * The device stops what this queue does, also what waits for a page, before
 * the read comes back: only then may the PASID go.
 */
static void queue_stop(struct loopback_queue *q)
{
    void __iomem *control = q->card->regs + LOOPBACK_CONTROL(q->number);

    iowrite32(0, control);
    ioread32(control);
    iommu_sva_unbind_device(q->sva);
    q->sva = NULL;
}

static int queue_start(struct loopback_queue *q)
{
    void __iomem *control = q->card->regs + LOOPBACK_CONTROL(q->number);
    u32 pasid;

    q->sva = iommu_sva_bind_device(&q->card->pdev->dev, q->mm);
    if (IS_ERR(q->sva)) {
        return PTR_ERR(q->sva);
    }
    pasid = iommu_sva_get_pasid(q->sva);
    if (pasid > LOOPBACK_PASID) {
        iommu_sva_unbind_device(q->sva);
        return -EOVERFLOW;
    }
    iowrite32(pasid | LOOPBACK_ENABLE, control);
    if (!(ioread32(control) & LOOPBACK_ENABLE)) {
        iommu_sva_unbind_device(q->sva);
        return -EIO;
    }
    return 0;
}

/* A queue nobody has; LOOPBACK_QUEUES if there is none */
static unsigned int find_free(const struct loopback *card)
{
    unsigned int n = 0;

    while (n < LOOPBACK_QUEUES && card->queue[n]) {
        n++;
    }
    return n;
}

/* Needs the lock */
static int queue_open(struct loopback *card, struct loopback_queue *q)
{
    int err;

    q->card = card;
    q->mm = current->mm;
    q->number = find_free(card);
    if (card->gone) {
        return -ENODEV;
    }
    if (q->number == LOOPBACK_QUEUES) {
        return -EBUSY;
    }
    err = queue_start(q);
    if (!err) {
        card->queue[q->number] = q;
        mmgrab(q->mm);
        kref_get(&card->kref);
    }
    return err;
}

static int loopback_open(struct inode *inode, struct file *file)
{
    struct loopback *card = container_of(file->private_data, struct loopback,
                                         misc);
    struct loopback_queue *q = kzalloc(sizeof(*q), GFP_KERNEL);
    int err;

    if (!q) {
        return -ENOMEM;
    }
    mutex_lock(&card->lock);
    err = queue_open(card, q);
    if (!err) {
        card->mapping = file->f_mapping;
        file->private_data = q;
    }
    mutex_unlock(&card->lock);
    if (err) {
        kfree(q);
    }
    return err;
}

static int loopback_release(struct inode *inode, struct file *file)
{
    struct loopback_queue *q = file->private_data;
    struct loopback *card = q->card;

    mutex_lock(&card->lock);
    if (q->sva) {
        queue_stop(q);
    }
    card->queue[q->number] = NULL;
    mutex_unlock(&card->lock);
    mmdrop(q->mm);
    kfree(q);
    kref_put(&card->kref, loopback_free);
    return 0;
}

/*
 * One page, the doorbell, and only for the process whose PASID the queue has:
 * the card would take addresses of another one for those of the first.
 */
static int loopback_mmap(struct file *file, struct vm_area_struct *vma)
{
    struct loopback_queue *q = file->private_data;
    struct loopback *card = q->card;
    resource_size_t doorbell;
    int err = -ENODEV;

    if (vma->vm_mm != q->mm) {
        return -EPERM;
    }
    if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE) {
        return -EINVAL;
    }
    vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND);
    vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
    mutex_lock(&card->lock);
    if (q->sva) {
        doorbell = pci_resource_start(card->pdev, DOORBELLS_BAR) +
                   q->number * LOOPBACK_DOORBELL_SIZE;
        err = io_remap_pfn_range(vma, vma->vm_start, doorbell >> PAGE_SHIFT,
                                 PAGE_SIZE, vma->vm_page_prot);
    }
    mutex_unlock(&card->lock);
    return err;
}

static const struct file_operations loopback_fops = {
    .owner = THIS_MODULE,
    .open = loopback_open,
    .release = loopback_release,
    .mmap = loopback_mmap,
};

static int loopback_set_up(struct loopback *card)
{
    int err = pcim_enable_device(card->pdev);

    if (err) {
        return err;
    }
    card->regs = pcim_iomap_region(card->pdev, REGS_BAR, "svm-loopback");
    if (IS_ERR(card->regs)) {
        return PTR_ERR(card->regs);
    }
    err = pcim_request_region(card->pdev, DOORBELLS_BAR, "svm-loopback");
    if (err) {
        return err;
    }
    /* Requests of a function that is no bus master go nowhere */
    pci_set_master(card->pdev);
    return misc_register(&card->misc);
}

static int loopback_probe(struct pci_dev *pdev,
                          const struct pci_device_id *id)
{
    static atomic_t count = ATOMIC_INIT(-1);
    struct loopback *card = kzalloc(sizeof(*card), GFP_KERNEL);
    int err;

    if (!card) {
        return -ENOMEM;
    }
    kref_init(&card->kref);
    mutex_init(&card->lock);
    card->pdev = pdev;
    snprintf(card->name, sizeof(card->name), "svm-loopback%d",
             atomic_inc_return(&count));
    card->misc.minor = MISC_DYNAMIC_MINOR;
    card->misc.name = card->name;
    card->misc.fops = &loopback_fops;
    card->misc.parent = &pdev->dev;
    card->misc.mode = 0600;
    pci_set_drvdata(pdev, card);
    err = loopback_set_up(card);
    if (err) {
        kref_put(&card->kref, loopback_free);
    }
    return err;
}

/* The function goes while processes have it: take everything from them */
static void loopback_remove(struct pci_dev *pdev)
{
    struct loopback *card = pci_get_drvdata(pdev);
    bool used = false;

    misc_deregister(&card->misc);
    mutex_lock(&card->lock);
    card->gone = true;
    for (unsigned int i = 0; i < LOOPBACK_QUEUES; i++) {
        if (card->queue[i]) {
            queue_stop(card->queue[i]);
            used = true;
        }
    }
    if (used) {
        unmap_mapping_range(card->mapping, 0, 0, 1);
    }
    mutex_unlock(&card->lock);
    pci_clear_master(pdev);
    kref_put(&card->kref, loopback_free);
}

static const struct pci_device_id loopback_ids[] = {
    { PCI_DEVICE(LOOPBACK_VENDOR_ID, LOOPBACK_DEVICE_ID) },
    { }
};
MODULE_DEVICE_TABLE(pci, loopback_ids);

static struct pci_driver loopback_driver = {
    .name = "svm_loopback",
    .id_table = loopback_ids,
    .probe = loopback_probe,
    .remove = loopback_remove,
};
module_pci_driver(loopback_driver);

MODULE_DESCRIPTION("Network card with doorbells for user programs (example)");
MODULE_LICENSE("GPL");
