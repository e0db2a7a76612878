using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Protocol.Tests.Ids;

public sealed class IdentifierTests
{
    private const string Allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~:-";

    public static TheoryData<string?> Refused =>
    [
        (string?)null, "", ".", "..", " ", "a b", "a/b", "/", "a\\b", "a\0", "a\n", "a\r\nb", "\u007f", "é", "ß", "日本", "а", "a%20b", "a?b", "a#b", "a@b", "a+b",
        "a\u200b", "\ud800", "😀", "a,b", "a;b", "a=b", "a&b", "\"a\"", "<a>", "*", "(", "٣",
    ];

    [Theory]
    [InlineData("a")]
    [InlineData("photos:2026-11-21")]
    [InlineData("...")]
    [InlineData(".a")]
    [InlineData("~_-.:")]
    public void Identifiers_of_the_allowed_characters_are_read(string text)
    {
        Assert.True(SessionIdentifier.TryParse(text, out var session));
        Assert.True(TaskId.TryParse(text, out var task));
        Assert.True(TenantId.TryParse(text, out var tenant));
        Assert.Equal([text, text, text], [session.ToString(), task.ToString(), tenant.ToString()]);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void Everything_else_is_refused_and_throws_the_rule(string? text)
    {
        Assert.False(SessionIdentifier.TryParse(text, out _));
        Assert.False(TaskId.TryParse(text, out _));
        Assert.False(TenantId.TryParse(text, out _));
        Assert.Equal(SessionIdentifier.Rule, Assert.Throws<FormatException>(() => SessionIdentifier.Parse(text!)).Message);
        Assert.Equal(TaskId.Rule, Assert.Throws<FormatException>(() => TaskId.Parse(text!)).Message);
        Assert.Equal(TenantId.Rule, Assert.Throws<FormatException>(() => TenantId.Parse(text!)).Message);
    }

    [Fact]
    public void Lengths_are_bounded()
    {
        Assert.True(SessionIdentifier.TryParse(new string('a', 128), out _));
        Assert.False(SessionIdentifier.TryParse(new string('a', 129), out _));
        Assert.True(TaskId.TryParse(new string('a', 64), out _));
        Assert.False(TaskId.TryParse(new string('a', 65), out _));
        Assert.True(TenantId.TryParse(new string('a', 64), out _));
        Assert.False(TenantId.TryParse(new string('a', 65), out _));
        Assert.True(ContainerName.TryParse(new string('a', 64), out _));
        Assert.False(ContainerName.TryParse(new string('a', 65), out _));
    }

    [Fact]
    public void Any_text_is_read_exactly_when_it_keeps_the_rule() =>
        Prop.ForAll<string?>(text =>
        {
            var keepsTheRule = text is { Length: > 0 and <= 128 } && text is not ("." or "..") && text.All(Allowed.Contains);
            return SessionIdentifier.TryParse(text, out var identifier) == keepsTheRule && (!keepsTheRule || identifier.ToString() == text);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_of_allowed_characters_survives_a_session_key() =>
        Prop.ForAll(AllowedText(64).ToArbitrary(), AllowedText(128).ToArbitrary(), (tenant, identifier) =>
        {
            var key = new SessionKey(TenantId.Parse(tenant), SessionIdentifier.Parse(identifier));
            return SessionKey.Parse(key.ToString()) == key && key.ToString() == tenant + "/" + identifier;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("/")]
    [InlineData("a/")]
    [InlineData("/a")]
    [InlineData("a/b/c")]
    [InlineData("../a")]
    public void A_session_key_needs_exactly_two_valid_parts(string? text)
    {
        Assert.False(SessionKey.TryParse(text, out _));
        Assert.Throws<FormatException>(() => SessionKey.Parse(text!));
    }

    [Theory]
    [InlineData("t0", true)]
    [InlineData("t17", true)]
    [InlineData("t9223372036854775807", true)]
    [InlineData("t", false)]
    [InlineData("T1", false)]
    [InlineData("t1a", false)]
    [InlineData("tt1", false)]
    [InlineData("t-1", false)]
    [InlineData("1", false)]
    public void Ids_that_the_node_gives_out_are_told_from_chosen_ones(string text, bool given) => Assert.Equal(given, TaskId.Parse(text).IsGiven);

    [Fact]
    public void Every_ordinal_makes_a_given_id() =>
        Prop.ForAll<NonNegativeInt>(ordinal => TaskId.FromOrdinal(ordinal.Get).IsGiven && TaskId.TryParse(TaskId.FromOrdinal(ordinal.Get).ToString(), out _))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void A_negative_ordinal_is_refused_because_its_id_could_be_chosen_by_a_client() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => TaskId.FromOrdinal(-1));

    [Theory]
    [InlineData("default", true)]
    [InlineData("a", true)]
    [InlineData("cold-store-2", true)]
    [InlineData("a-", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("A", false)]
    [InlineData("1a", false)]
    [InlineData("-a", false)]
    [InlineData("a_b", false)]
    [InlineData("a.b", false)]
    [InlineData("a/b", false)]
    [InlineData("..", false)]
    [InlineData("é", false)]
    [InlineData("a\n", false)]
    public void Container_names_are_plain(string? text, bool valid)
    {
        Assert.Equal(valid, ContainerName.TryParse(text, out var name));
        Assert.Equal(valid ? text : "", name.ToString());
    }

    [Fact]
    public void Default_values_print_as_nothing_instead_of_failing() =>
        Assert.Equal(["", "", "", "", "", "/"], [default(SessionIdentifier).ToString(), default(TaskId).ToString(), default(TenantId).ToString(),
            default(ContainerName).ToString(), default(ContainerPath).ToString(), default(SessionKey).ToString()]);

    private static Gen<string> AllowedText(int lengthMax) =>
        from length in Gen.Choose(1, lengthMax)
        from characters in Gen.ArrayOf(Gen.Elements(Allowed.ToCharArray()), length)
        let text = new string(characters)
        where text is not ("." or "..")
        select text;
}
