using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Node.Ops;

/// <summary>
/// What operators changed, by whom and why: one JSON document a line in <c>{DataDirectory}/audit.log</c>, only ever appended to. A
/// command is written and flushed before it is carried out, and again with its result; when that first line cannot be written, the
/// command is refused.
/// </summary>
internal sealed class AuditLog(string dataDirectory, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    public string Path { get; } = System.IO.Path.Combine(dataDirectory, "audit.log");

    /// <summary>Null when the entry is on disk, else why it is not, as a sentence.</summary>
    public async ValueTask<string?> WriteAsync(string request, OperatorIdentity who, IReadOnlyList<string> words, string? reason, int? exit, CancellationToken stop)
    {
        var entry = new AuditEntry(time.GetUtcNow(), request, who.Name, words, reason, exit);
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(entry, AuditJson.Default.AuditEntry), (byte)'\n'];
        await _turn.WaitAsync(stop);
        try
        {
            Directory.CreateDirectory(dataDirectory);
            // Opened for each entry: rotating tools may move the file away at any time, and entries are rare.
            var mode = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
                mode.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using var file = new FileStream(Path, mode);
            await file.WriteAsync(line, CancellationToken.None);
            file.Flush(flushToDisk: true);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"The audit log {Path} cannot be written ({failure.Message}).";
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();
}

/// <summary>One line of the audit log. <see cref="Exit"/> is absent on the line before the command.</summary>
internal sealed record AuditEntry(DateTimeOffset At, string Request, string Who, IReadOnlyList<string> Command, string? Reason, int? Exit);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditEntry))]
internal sealed partial class AuditJson : JsonSerializerContext;
