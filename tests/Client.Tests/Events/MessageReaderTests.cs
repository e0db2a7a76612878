using System.Text;
using Backhaul.Client.Events;
using Xunit;

namespace Backhaul.Client.Tests.Events;

public sealed class MessageReaderTests
{
    private const string Transcript =
        "\uFEFF: hello\n\nid: 1\nevent: taskCreated\ndata: {\"a\":1}\n\n: keep-alive\n\nevent: progress\ndata: {\"p\":1}\n\n"
        + "id:2\r\nevent:taskCompleted\r\ndata:{\"é\":\"日本\"}\r\ndata: more\r\n\r\nretry: 1500\rid: 3\rdata\r\runknown: x\ndata: last\n\n";

    private static readonly string[] Expected = ["1|taskCreated|{\"a\":1}", "|progress|{\"p\":1}", "2|taskCompleted|{\"é\":\"日本\"}\nmore", "3|message|", "|message|last"];

    [Fact]
    public async Task Messages_are_the_same_however_the_bytes_arrive()
    {
        var bytes = Encoding.UTF8.GetBytes(Transcript);
        for (var split = 0; split <= bytes.Length; split++)
            Assert.Equal(Expected, await ReadAsync([bytes[..split], bytes[split..]]));
        Assert.Equal(Expected, await ReadAsync(bytes.Select(one => new[] { one })));
    }

    [Fact]
    public async Task A_message_cut_off_before_its_blank_line_never_happened()
    {
        var bytes = Encoding.UTF8.GetBytes(Transcript);
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            var read = await ReadAsync([bytes[..cut]]);
            Assert.True(read.Count < Expected.Length || cut >= bytes.Length - 1, $"cut at {cut}");
            Assert.Equal(Expected.Take(read.Count), read);
        }
    }

    [Theory]
    [InlineData("retry: 3000\n\n", 3000)]
    [InlineData("retry:0\n\n", 0)]
    [InlineData("retry: -1\n\n", null)]
    [InlineData("retry: 1.5\n\n", null)]
    [InlineData("retry: soon\n\n", null)]
    [InlineData("retry: 99999999999\n\n", null)]
    [InlineData("retry: 1\nretry: 2\n", 2)]
    public async Task Retry_is_milliseconds(string text, int? expectedMs)
    {
        var reader = new MessageReader(new MemoryStream(Encoding.UTF8.GetBytes(text)));
        Assert.Null(await reader.NextAsync(FillAsync, Stop));
        Assert.Equal(expectedMs, (int?)reader.Retry?.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n\n")]
    [InlineData(":\n:\n\n")]
    [InlineData("id: 1\nevent: x\n\n")]
    [InlineData("nonsense\n\n")]
    public async Task Without_data_there_is_no_message(string text) => Assert.Empty(await ReadAsync([Encoding.UTF8.GetBytes(text)]));

    [Fact]
    public async Task A_long_message_is_read_and_an_endless_one_is_refused()
    {
        var text = new string('x', 1_000_000);
        Assert.Equal([$"|message|{text}"], await ReadAsync([Encoding.UTF8.GetBytes($"data: {text}\n\n")]));
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(Enumerable.Repeat(new byte[64 * 1024], 100)));
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(Enumerable.Repeat(Encoding.UTF8.GetBytes($"data: {text}\n"), 10)));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static ValueTask<int> FillAsync(Stream stream, Memory<byte> room, CancellationToken stop) => stream.ReadAsync(room, stop);

    private static async Task<List<string>> ReadAsync(IEnumerable<byte[]> pieces)
    {
        await using var stream = new ScriptedStream(pieces, StreamEnd.Closed);
        var reader = new MessageReader(stream);
        var read = new List<string>();
        while (await reader.NextAsync(FillAsync, Stop) is { } message)
            read.Add($"{message.Id}|{message.Type}|{Encoding.UTF8.GetString(message.Data.Span)}");
        return read;
    }
}
