//! `limits`.

use crate::domain::answer::LimitsInForce;
use crate::domain::policy::CONTACT_DATA_BYTES_MAX;
use crate::domain::rules::CONTACT_DATA_ITEMS_MAX;
use crate::wire::message::ATTACHMENTS_MAX;
use crate::wire::strict::XmlLimits;

use super::root;
use super::writer::Writer;

pub(super) fn limits(writer: &mut Writer<'_>, limits: &LimitsInForce) {
    root(writer, "limits");
    if let (Some(rate), Some(left)) = (limits.rate_per_minute, limits.rate_left) {
        writer.start("ratePerMinute");
        writer.attribute_number("remaining", left);
        writer.text_number(rate);
        writer.end("ratePerMinute");
    }
    if let Some(fair_use) = limits.fair_use {
        writer.start("fairUse");
        writer.attribute_number("used", limits.fair_use_taken);
        writer.text_number(fair_use);
        writer.end("fairUse");
    }
    let xml = XmlLimits::default();
    writer.leaf_number("messageBytesMax", limits.message_bytes_max);
    writer.leaf_number("messageDepthMax", count(xml.depth_max));
    writer.leaf_number("messageElementsMax", count(xml.elements_max));
    writer.leaf_number("elementAttributesMax", count(xml.attributes_max));
    writer.leaf_number("itemsPerMessageMax", limits.batch_items_max);
    writer.leaf_number("contactDataItemsMax", count(CONTACT_DATA_ITEMS_MAX));
    writer.leaf_number("contactDataBytesMax", CONTACT_DATA_BYTES_MAX);
    writer.leaf_number("attachmentsMax", count(ATTACHMENTS_MAX));
    writer.leaf_number("attachmentBytesMax", limits.attachments_bytes_max);
    writer.start("attachmentTypes");
    for media_type in &limits.attachment_types {
        writer.leaf("mediaType", media_type);
    }
    writer.end("attachmentTypes");
    writer.leaf_duration("notBeforeMax", limits.not_before_max_ms);
    writer.leaf_duration("lifetimeMax", limits.lifetime_max_ms);
    writer.start("services");
    for buffer in &limits.buffers {
        writer.start("service");
        writer.attribute("name", &buffer.service);
        writer.start("queueItemsMax");
        writer.attribute_number("queued", buffer.queued);
        writer.text_number(buffer.queue_items_max);
        writer.end("queueItemsMax");
        writer.start("bufferItemsMax");
        writer.attribute_number("buffered", buffer.items);
        writer.text_number(buffer.items_max);
        writer.end("bufferItemsMax");
        writer.end("service");
    }
    writer.end("services");
    writer.end("limits");
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
