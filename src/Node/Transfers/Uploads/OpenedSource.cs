using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>What an upload sends, open; with its media type when that follows from how it is made.</summary>
internal sealed record OpenedSource(IUploadSource Source, string? ContentType);
