using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Protocol.Tests.Ids;

public sealed class ContainerPathTests
{
    public static TheoryData<string?> Refused =>
    [
        (string?)null, "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "./a", "..\\a", "a\\b", "\\", "C:\\a", "\\\\host\\share",
        "a\0b", "a\nb", "a\rb", "a\tb", "\u001b[0m", "a\u007f", "a\u0085b", "a\u009f", "\ud800", "a\udc00b", "\udc00\ud800",
        ".backhaul", ".backhaul/parts/x", "a/.backhaul/x", ".backhaul-x", ".BACKHAUL/x", "a/.Backhaul",
    ];

    public static TheoryData<string> Accepted =>
    [
        "a", "a/b.bin", "..a", "a..", "...", "a/...", ".hidden", "a b", "é", "日本/写真.jpg", "😀", "a:b", "a?b#c%2e%2e", "%2e%2e/%2e%2e", "backhaul", "a.backhaul",
        "con", "~", "a\u00a0b", "-rf", "*",
    ];

    [Theory]
    [MemberData(nameof(Refused))]
    public void Paths_that_could_leave_the_container_or_confuse_a_store_are_refused(string? text)
    {
        Assert.False(ContainerPath.TryParse(text, out _));
        Assert.Equal(ContainerPath.Rule, Assert.Throws<FormatException>(() => ContainerPath.Parse(text!)).Message);
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Other_paths_are_taken_as_they_are(string text) => Assert.Equal(text, ContainerPath.Parse(text).ToString());

    [Fact]
    public void Segments_have_at_most_200_bytes_and_paths_1024_bytes_and_32_segments()
    {
        Assert.True(ContainerPath.TryParse(new string('a', 200), out _));
        Assert.False(ContainerPath.TryParse(new string('a', 201), out _));
        Assert.True(ContainerPath.TryParse(new string('é', 100), out _));
        Assert.False(ContainerPath.TryParse(new string('é', 101), out _));
        Assert.True(ContainerPath.TryParse(string.Join('/', Enumerable.Repeat("a", 32)), out _));
        Assert.False(ContainerPath.TryParse(string.Join('/', Enumerable.Repeat("a", 33)), out _));
        Assert.True(ContainerPath.TryParse(Wide(1024), out _));
        Assert.False(ContainerPath.TryParse(Wide(1025), out _));
    }

    [Fact]
    public void No_path_that_is_read_leaves_its_container() =>
        Prop.ForAll(Paths().ToArbitrary(), text =>
        {
            if (!ContainerPath.TryParse(text, out var path))
                return true;
            const string Root = "/srv/files/tenant";
            var full = Path.GetFullPath(Path.Combine(Root, path.ToString()));
            return full == $"{Root}/{path}" && !full.Contains('\0') && Encoding.UTF8.GetByteCount(full) <= Root.Length + 1 + 1024;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    [Fact]
    public void Every_path_that_is_read_survives_utf8() =>
        Prop.ForAll<string?>(text => !ContainerPath.TryParse(text, out var path)
            || Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(path.ToString())) == text).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    private static string Wide(int length)
    {
        var text = string.Join('/', Enumerable.Repeat(new string('a', 199), 6));
        return text[..length];
    }

    private static Gen<string> Paths() =>
        from pieces in Gen.ListOf(Gen.Elements("a", "..", ".", "/", "//", "\\", "é", ".backhaul", "x/y", "%2e", "\0", " ", "~", "b.bin"))
        select string.Concat(pieces);
}
