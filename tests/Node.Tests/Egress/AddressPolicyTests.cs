using System.Net;
using Backhaul.Node.Egress;
using Xunit;

namespace Backhaul.Node.Tests.Egress;

public sealed class AddressPolicyTests
{
    private static readonly AddressPolicy Bare = new([]);

    [Theory]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("100.127.255.255")]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.1.1")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.8")]
    [InlineData("192.0.2.1")]
    [InlineData("192.88.99.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.19.255.255")]
    [InlineData("198.51.100.7")]
    [InlineData("203.0.113.7")]
    [InlineData("224.0.0.1")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("168.63.129.16")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:10::1")]
    [InlineData("2001:20::1")]
    [InlineData("2001:db8::1")]
    [InlineData("3fff::1")]
    [InlineData("5f00::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::10.0.0.1")]
    [InlineData("::ffff:0:10.0.0.1")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("64:ff9b::169.254.169.254")]
    [InlineData("64:ff9b:1::8.8.8.8")]
    [InlineData("2002:0a00:0001::1")]
    [InlineData("2002:7f00:0001::")]
    public void Private_and_reserved_addresses_are_refused(string address) =>
        Assert.False(Bare.Check("example.org", 443, [IPAddress.Parse(address)]).Allowed);

    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.0.1.1")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("168.63.129.17")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("2606:4700::1111")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::8.8.8.8")]
    [InlineData("2002:0808:0808::1")]
    public void Public_addresses_are_allowed(string address) =>
        Assert.True(Bare.Check("example.org", 443, [IPAddress.Parse(address)]).Allowed);

    [Fact]
    public void One_private_address_among_the_answers_refuses_the_name()
    {
        Assert.False(Bare.Check("example.org", 443, [IPAddress.Parse("8.8.8.8"), IPAddress.Parse("10.0.0.1")]).Allowed);
        Assert.False(Bare.Check("example.org", 443, []).Allowed);
    }

    [Theory]
    [InlineData(22)]
    [InlineData(25)]
    [InlineData(110)]
    [InlineData(143)]
    [InlineData(3306)]
    [InlineData(5432)]
    [InlineData(6379)]
    [InlineData(9110)]
    [InlineData(10250)]
    public void Ports_of_other_services_are_refused_unless_an_exception_names_them(int port)
    {
        var public4 = new[] { IPAddress.Parse("8.8.8.8") };
        Assert.False(Bare.Check("example.org", port, public4).Allowed);
        Assert.False(Policy("example.org").Check("example.org", port, public4).Allowed);
        Assert.True(Policy($"example.org:{port}").Check("example.org", port, public4).Allowed);
        Assert.True(Policy($"8.8.8.0/24:{port}").Check("example.org", port, public4).Allowed);
    }

    [Theory]
    [InlineData("intern.example", "intern.example", 8080, "10.0.0.1", true)]
    [InlineData("intern.example", "INTERN.example.", 8080, "10.0.0.1", true)]
    [InlineData("intern.example", "other.example", 8080, "10.0.0.1", false)]
    [InlineData("intern.example:80", "intern.example", 80, "10.0.0.1", true)]
    [InlineData("intern.example:80", "intern.example", 81, "10.0.0.1", false)]
    [InlineData("10.0.0.0/8", "a.example", 443, "10.9.9.9", true)]
    [InlineData("10.0.0.0/8", "a.example", 443, "::ffff:10.9.9.9", true)]
    [InlineData("10.0.0.0/8", "a.example", 443, "192.168.0.1", false)]
    [InlineData("10.0.0.0/8:443", "a.example", 443, "10.9.9.9", true)]
    [InlineData("10.0.0.0/8:443", "a.example", 80, "10.9.9.9", false)]
    [InlineData("fd00:1::/32", "a.example", 443, "fd00:1::7", true)]
    [InlineData("[fd00:1::]/32:443", "a.example", 443, "fd00:1::7", true)]
    [InlineData("fd00:1::/32", "a.example", 443, "fd00:2::7", false)]
    [InlineData("::1", "::1", 443, "::1", true)]
    [InlineData("[::1]:443", "[::1]", 443, "::1", true)]
    [InlineData("127.0.0.1", "127.0.0.1", 443, "127.0.0.1", true)]
    public void Exceptions_lift_the_ban_for_what_they_name(string rule, string host, int port, string address, bool allowed) =>
        Assert.Equal(allowed, Policy(rule).Check(host, port, [IPAddress.Parse(address)]).Allowed);

    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("fd00:ec2::254")]
    [InlineData("168.63.129.16")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::168.63.129.16")]
    public void No_exception_opens_a_metadata_address(string address)
    {
        var policy = Policy("meta.example", "0.0.0.0/0", "::/0", "169.254.169.254", "meta.example:80");
        Assert.False(policy.Check("meta.example", 80, [IPAddress.Parse(address)]).Allowed);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:x")]
    [InlineData("10.0.0.1/8")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/8:0")]
    [InlineData("a b")]
    public void An_exception_that_is_not_understood_stops_the_start(string rule)
    {
        var problem = Assert.Single(new EgressOptions { Allow = ["fine.example", rule] }.Problems());
        Assert.StartsWith("Backhaul:Egress:Allow:1", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void The_defaults_have_no_problems() => Assert.Empty(new EgressOptions().Problems());

    private static AddressPolicy Policy(params string[] rules) => AddressPolicy.From(new EgressOptions { Allow = rules });
}
