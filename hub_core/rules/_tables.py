"""Data tables of the normalisers: legal forms of companies, and domains that never identify one.

Plain data, no logic beyond reading it. To extend a table, add a word to a line.
"""

from itertools import product
from typing import TypeAlias

FormTree: TypeAlias = "dict[str, FormTree]"

# Legal forms as written at the end of a company name, already folded; "and" stands for "&". Repetition is built
# from parts ("gmbh and co kg" = kg, and co, gmbh), so only indivisible forms are listed, one `|` apart.
_LEGAL_FORMS = (
    # English-speaking countries
    "inc|incorporated|llc|llp|lllp|lp|pllc|ltd|limited|plc|p c|corp|corporation|co|company|and co|and company|cic"
    "|limited liability company|limited liability partnership|public limited company|pty|proprietary limited",
    # Germany, Austria, Switzerland
    "gmbh|ggmbh|mbh|ag|kg|kgaa|ohg|ug|ug haftungsbeschrankt|haftungsbeschrankt|gbr|e k|e v|e u|eg|partg|und co|u co"
    "|aktiengesellschaft|gesellschaft mit beschrankter haftung|kommanditgesellschaft|sagl|se",
    # France, Belgium, Luxembourg, Netherlands
    "sa|sas|sasu|sarl|eurl|snc|sca|scs|selarl|gie|scop|et cie|and cie|cie|et co|societe anonyme|sprl|bvba|cvba|asbl"
    "|vzw|bv|nv|vof",
    # Spain, Portugal, Latin America
    "sl|slu|sau|sll|slne|slp|s coop|sociedad limitada|sociedad anonima|y cia|and cia|cia|y compania|lda|ltda"
    "|unipessoal|sgps|eireli|sa de cv|sab de cv|sapi de cv|s de rl de cv|s de rl|sapi|sac|saa|eirl",
    # Italy
    "srl|srls|spa|scarl|scrl|soc coop|societa per azioni|societa a responsabilita limitata",
    # Nordic and Baltic countries
    "ab|publ|aktiebolag|as|asa|aps|a s|i s|k s|oy|oyj|osakeyhtio|hf|ehf|ou|sia|uab",
    # Central, eastern and south-eastern Europe, Turkey
    "sp z o o|sp zoo|spzoo|spolka z o o|spolka z ograniczona odpowiedzialnoscia|spolka akcyjna|sp k|sp j|sro|spol"
    "|v o s|kft|zrt|nyrt|doo|jdoo|d d|ood|eood|sti|anonim sirketi|ооо|оао|зао|пао|ао|тоо|тов|оод|еоод|αε|επε|ικε",
    # Asia, Middle East, Africa
    "pvt|private limited|private ltd|pvt limited|pvt ltd|p ltd|pte|sdn bhd|bhd|kk|gk|yk|kabushiki kaisha"
    "|kabushiki gaisha|godo kaisha|tbk|pcl|opc|fze|fzco|fzc|fz|wll|pjsc|psc|jsc|ojsc|cjsc|sae|saog|בע מ"
    "|株式会社|有限会社|合同会社|株|有|股份有限公司|有限公司|有限责任公司|주식회사|유한회사|주",
)

# Written before the name: dropped there too, as is the English article.
LEADING_WORDS = frozenset(
    {
        *("the", "ооо", "оао", "зао", "пао", "ао", "тоо", "тов"),
        *("株式会社", "有限会社", "合同会社", "株", "有", "주식회사", "유한회사", "주"),
    }
)

# Scripts without spaces glue the form to the name: 株式会社日立製作所.
GLUED_FORMS = ("株式会社", "有限会社", "合同会社", "股份有限公司", "有限责任公司", "有限公司", "주식회사", "유한회사")


def _spellings(form: str) -> list[tuple[str, ...]]:
    """A form as words, each also letter by letter: S.A. and SA fold to "s a" and "sa"."""
    choices = [((word,), tuple(word)) if word.isascii() else ((word,),) for word in form.split()]
    return [tuple(letter for part in parts for letter in part) for parts in product(*choices)]


def _forms_from_the_right() -> FormTree:
    tree: FormTree = {}
    for spelling in (spelling for line in _LEGAL_FORMS for form in line.split("|") for spelling in _spellings(form)):
        node = tree
        for word in reversed(spelling):
            node = node.setdefault(word, {})
        node[""] = {}
    return tree


LEGAL_FORMS = _forms_from_the_right()
"""Legal forms as a tree, from the last word leftwards; "" marks where a form is complete."""

_FREE_MAIL = """
gmail.com googlemail.com outlook.com outlook.de outlook.fr outlook.es outlook.it outlook.pt outlook.be outlook.at
outlook.dk outlook.jp outlook.com.br outlook.com.au outlook.co.id live.com live.co.uk live.de live.fr live.it live.nl
live.be live.ca live.se live.no live.dk live.jp live.com.au live.com.mx live.com.ar live.com.pt live.cn msn.com
passport.com ymail.com rocketmail.com aol.com aol.de aol.fr aol.co.uk aim.com icloud.com me.com mac.com protonmail.com
protonmail.ch proton.me pm.me tutanota.com tutanota.de tutamail.com tuta.io tuta.com hushmail.com fastmail.com
fastmail.fm mail.com email.com usa.com post.com europe.com asia.com consultant.com engineer.com mailfence.com
zohomail.com zohomail.eu zoho.com gawab.com lycos.com excite.com hey.com duck.com mailbox.org posteo.de posteo.net
web.de freenet.de t-online.de arcor.de 1und1.de online.de email.de freemail.de mail.de kabelmail.de unitybox.de
vodafonemail.de bluewin.ch hispeed.ch sunrise.ch aon.at chello.at inode.at a1.net orange.fr wanadoo.fr free.fr sfr.fr
laposte.net neuf.fr bbox.fr numericable.fr club-internet.fr cegetel.net voila.fr telefonica.net movistar.es ono.com
terra.es ya.com libero.it virgilio.it tiscali.it alice.it tin.it tim.it fastwebnet.it inwind.it iol.it email.it
poste.it aruba.it pec.it sapo.pt iol.pt clix.pt telepac.pt netcabo.pt uol.com.br bol.com.br terra.com.br ig.com.br
globo.com globomail.com ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl casema.nl upcmail.nl telenet.be
skynet.be proximus.be scarlet.be btinternet.com btopenworld.com virginmedia.com blueyonder.co.uk ntlworld.com
talktalk.net sky.com tiscali.co.uk o2.co.uk plusnet.com eircom.net comcast.net verizon.net att.net sbcglobal.net
bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net optonline.net roadrunner.com rr.com windstream.net
frontier.com centurylink.net embarqmail.com rogers.com shaw.ca sympatico.ca telus.net videotron.ca bell.net bigpond.com
bigpond.net.au optusnet.com.au iinet.net.au xtra.co.nz telia.com spray.se comhem.se online.no broadpark.no mail.dk
tdcadsl.dk stofanet.dk jubii.dk luukku.com suomi24.fi elisanet.fi kolumbus.fi wp.pl o2.pl onet.pl onet.eu op.pl
interia.pl interia.eu gazeta.pl poczta.fm seznam.cz email.cz centrum.cz post.cz volny.cz azet.sk centrum.sk zoznam.sk
freemail.hu citromail.hu abv.bg mail.bg net.hr siol.net eunet.rs mail.ru inbox.ru list.ru bk.ru internet.ru yandex.ru
yandex.com ya.ru rambler.ru ukr.net i.ua bigmir.net meta.ua tut.by inbox.lv mail.ee hot.ee qq.com foxmail.com 163.com
126.com yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn 21cn.com tom.com naver.com hanmail.net daum.net
nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com biglobe.ne.jp rediffmail.com sify.com indiatimes.com
walla.co.il walla.com bezeqint.net mynet.com superonline.com mweb.co.za webmail.co.za telkomsa.net vodamail.co.za
mailinator.com guerrillamail.com yopmail.com trashmail.com temp-mail.org 10minutemail.com sharklasers.com
"""

_SHARED_SITES = """
github.io github.com gitlab.io gitlab.com bitbucket.org bitbucket.io pages.dev workers.dev r2.dev vercel.app now.sh
netlify.app herokuapp.com onrender.com fly.dev railway.app surge.sh glitch.me repl.co replit.app replit.dev
web.app firebaseapp.com appspot.com run.app cloudfunctions.net withgoogle.com googleusercontent.com googleapis.com
azurewebsites.net azurestaticapps.net azureedge.net windows.net cloudapp.net onmicrosoft.com sharepoint.com
powerappsportals.com dynamics.com amazonaws.com cloudfront.net elasticbeanstalk.com amplifyapp.com awsapps.com
digitaloceanspaces.com ondigitalocean.app ngrok.io ngrok.app ngrok-free.app trycloudflare.com cloudwaysapps.com
kinsta.cloud wpengine.com pantheonsite.io hubspotpagebuilder.com hubspotpagebuilder.eu hubspotpreview.com hs-sites.com
hs-sites-eu1.com hubspotemail.net hubspotlinks.com force.com salesforce-sites.com site.com pardot.com
mktoweb.com mailchi.mp mailchimpsites.com list-manage.com campaign-archive.com wixsite.com wixstudio.io wixstudio.com
editorx.io squarespace.com wordpress.com wpcomstaging.com weebly.com weeblysite.com webflow.io framer.website framer.app
framer.ai framer.media carrd.co strikingly.com mystrikingly.com jimdo.com jimdofree.com jimdosite.com webnode.com
webnode.page site123.me godaddysites.com yolasite.com ucoz.com tilda.ws tilda.cc bubbleapps.io softr.app glide.page
super.site notion.site notion.so gitbook.io readme.io readthedocs.io myshopify.com bigcartel.com
mybigcommerce.com square.site ecwid.com etsy.com ebay.com gumroad.com payhip.com tictail.com business.site ueniweb.com
negocio.site tumblr.com medium.com substack.com ghost.io livejournal.com typepad.com over-blog.com canalblog.com
blogger.com beehiiv.com
linkedin.com lnkd.in facebook.com fb.com fb.me m.me instagram.com instagr.am threads.net threads.com twitter.com x.com
t.co youtube.com youtu.be tiktok.com pinterest.com snapchat.com reddit.com vk.com ok.ru weibo.com xing.com viadeo.com
whatsapp.com wa.me telegram.me t.me telegram.org discord.gg quora.com vimeo.com flickr.com
behance.net dribbble.com soundcloud.com bandcamp.com patreon.com ko-fi.com twitch.tv meetup.com angel.co
wellfound.com crunchbase.com bit.ly tinyurl.com ow.ly
buff.ly goo.gl g.page g.co forms.gle rebrand.ly cutt.ly is.gd linktr.ee beacons.ai taplink.cc bio.link bio.site lnk.bio
campsite.bio about.me solo.to archive.org
wikipedia.org wikidata.org
"""

SHARED_DOMAINS = frozenset((_FREE_MAIL + _SHARED_SITES).split())
"""Registrable domains under which strangers live: free e-mail, access providers, site builders, networks, links."""

SHARED_LABELS = frozenset({"yahoo", "hotmail", "gmx", "blogspot", "googlemail"})
"""Providers present under very many suffixes (yahoo.co.uk, hotmail.fr, gmx.net, blogspot.de)."""

SHARED_HOSTS = frozenset(
    {
        *("sites.google.com", "docs.google.com", "drive.google.com", "maps.google.com", "plus.google.com"),
        *("play.google.com", "groups.google.com", "business.google.com", "forms.office.com", "apps.apple.com"),
        *("itunes.apple.com", "podcasts.apple.com", "open.spotify.com"),
    }
)
"""Hosts that strangers share although the registrable domain above them is one company's own."""

PRIVATE_SUFFIXES = frozenset({"arpa", "onion"})
"""Listed as public suffixes, yet no company lives there."""

TEST_SUFFIXES = frozenset({"test", "example"})
"""Reserved for tests and documentation (RFC 2606): never on the public list, accepted so that examples work."""
