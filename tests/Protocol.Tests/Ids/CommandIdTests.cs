using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Protocol.Tests.Ids;

public sealed class CommandIdTests
{
    [Fact]
    public void Ids_follow_from_keys_as_published()
    {
        using var vectors = JsonDocument.Parse(Golden.Read("command-ids.json"));
        foreach (var vector in vectors.RootElement.EnumerateArray())
        {
            Assert.True(CommandId.TryParse(vector.GetProperty("key").GetString(), out var id));
            if (vector.TryGetProperty("part", out var part))
                id = id.Part(part.GetInt32());
            Assert.Equal(vector.GetProperty("id").GetString(), id.ToString());
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData("a\tb")]
    [InlineData("a\r\nX-Other: 1")]
    [InlineData("é")]
    [InlineData("\u007f")]
    public void Keys_that_are_not_printable_ascii_are_refused(string? key) => Assert.False(CommandId.TryParse(key, out _));

    [Fact]
    public void A_key_has_at_most_255_characters()
    {
        Assert.True(CommandId.TryParse(new string('k', 255), out _));
        Assert.False(CommandId.TryParse(new string('k', 256), out _));
    }

    [Fact]
    public void Different_keys_give_different_ids() =>
        Prop.ForAll<NonEmptyString, NonEmptyString>((one, other) =>
            !CommandId.TryParse(one.Get, out var a) || !CommandId.TryParse(other.Get, out var b) || (a == b) == (one.Get == other.Get))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Parts_of_one_intent_differ_from_each_other_and_from_the_intent()
    {
        var intent = CommandId.Create(DateTimeOffset.UnixEpoch);
        var ids = Enumerable.Range(0, 1_000).Select(intent.Part).Append(intent).ToHashSet();
        Assert.Equal(1_001, ids.Count);
    }

    [Fact]
    public void No_key_of_a_client_is_the_id_of_a_part()
    {
        // Regression: parts were derived from "<uuid>#<index>", which a client may send as a key of its own.
        const string Intent = "01890a5d-ac96-774b-bcce-b302099a8057";
        Assert.True(CommandId.TryParse(Intent, out var intent));
        Assert.True(CommandId.TryParse(Intent + "#0", out var lookalike));
        Assert.NotEqual(intent.Part(0), lookalike);
    }

    [Fact]
    public void A_new_intent_is_a_version_7_uuid_of_its_time()
    {
        var now = new DateTimeOffset(2026, 11, 21, 10, 0, 0, TimeSpan.Zero);
        var (first, second) = (CommandId.Create(now), CommandId.Create(now.AddMilliseconds(1)));
        Assert.Equal(7, first.Value.Version);
        Assert.True(string.CompareOrdinal(first.ToString(), second.ToString()) < 0);
    }
}
